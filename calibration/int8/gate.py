"""Gate: an INT8 model gets its final name only after its pictures were compared with the float model's."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from coconet.calibration.int8.graph import OnnxModel
from coconet.calibration.int8.ranges import ActivationRanges
from coconet.cards.precision import ParityLimits
from coconet.errors import CoconetError
from coconet.files import whole_file
from coconet.model_endings import ONNX_SUFFIX
from coconet.runtime.backends.backend import Backend
from coconet.runtime.frame import FramePair
from coconet.runtime.frame_check import fit_pairs
from coconet.runtime.verify.parity import Parity, compare, require, within
from coconet.runtime.verify.reference_backend import common_card, open_contender

CALIBRATE_BETTER = (
    "Calibrate on 100 or more frames of both cameras, each on its own side and of scenes like those to compare on; "
    "or lower --min-psnr."
)


@dataclass(frozen=True)
class Trial:
    """An INT8 model that was measured and not kept."""

    parity: Parity
    size_bytes: int


@dataclass(frozen=True)
class Gate:
    """What an INT8 model is held against.

    float_model: the file it was made from. reference: the model to be like, that one or another, open; it is asked
    for the same pictures by every trial, so one that remembers them (RememberedBackend) fuses each once.
    frames: pairs of any size and channel count, the same at every iteration; they are fitted to the cards.
    """

    float_model: Path
    frames: Iterable[FramePair]
    limits: ParityLimits
    reference: Backend

    def measure(self, quantized: OnnxModel) -> Trial:
        """Compare an INT8 model with the reference, as the file it would be, run as written, and leave no file."""
        with TemporaryDirectory(prefix="coconet-") as folder:
            path = Path(folder) / "candidate.onnx"
            quantized.write(path)
            return Trial(self._compare(path), path.stat().st_size)

    def passes(self, parity: Parity) -> bool:
        """Whether a comparison is within the limits."""
        return within(parity, self.limits)

    def write(self, quantized: OnnxModel, parity: Parity, ranges: ActivationRanges, out: Path) -> None:
        """Write the INT8 model that measured `parity` to `out` and its ranges beside it, both or neither.

        Raises CoconetError where the comparison is beyond the limits; then nothing stands under a final name.
        """
        check_name(out, self.float_model)
        try:
            require(parity, self.limits, out)
        except CoconetError as error:
            raise CoconetError(out, wanted=error.wanted, got=error.got, remedy=CALIBRATE_BETTER) from error
        with whole_file(ranges_path(out)) as ranges_scratch, whole_file(out) as scratch:
            ranges_scratch.write_text(ranges.to_json(), encoding="utf-8")
            quantized.write(scratch)

    def _compare(self, candidate: Path) -> Parity:
        with closing(open_contender(candidate)) as int8_model:
            card = common_card(self.reference.card, int8_model.card)
            return compare(self.reference, int8_model, fit_pairs(self.frames, card))


def check_name(out: Path, float_model: Path) -> None:
    """Raise CoconetError where `out` can be no INT8 model: before the measuring, which may take minutes."""
    wrong = None
    if out.suffix != ONNX_SUFFIX:
        wrong = out.suffix or "no ending"
    elif out.resolve() == float_model.resolve():
        wrong = "the float model itself"
    elif not out.parent.is_dir():
        wrong = f"no folder {out.parent}"
    if wrong is not None:
        raise CoconetError(
            out,
            wanted="a name that ends in .onnx, in an existing folder, other than the float model's",
            got=wrong,
            remedy="Choose another name with --out.",
        )


def ranges_path(out: Path) -> Path:
    """Where the ranges of the INT8 model `out` are written: beside it."""
    return out.with_suffix(".ranges.json")
