"""Gate: an INT8 model gets its final name only after its pictures were compared with the float model's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from calibration.onnx_model import OnnxModel
from calibration.ranges import ActivationRanges
from coconet.errors import CoconetError
from coconet.files import whole_file
from runtime.frame import FramePair
from runtime.ort import OnnxRuntimeBackend
from runtime.parity import Parity, ParityLimits, compare, require
from runtime.samples import fitted


@dataclass(frozen=True)
class Gate:
    """What an INT8 model is held against.

    reference: the float model's file. frames: pairs of any size and channel count; they are fitted to the card.
    """

    reference: Path
    frames: Iterable[FramePair]
    limits: ParityLimits

    def check_name(self, out: Path) -> None:
        """Raise CoconetError where `out` can be no INT8 model: before the measuring, which may take minutes."""
        wrong = None
        if out.suffix != ".onnx":
            wrong = out.suffix or "no ending"
        elif out.resolve() == self.reference.resolve():
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

    def write(self, quantized: OnnxModel, ranges: ActivationRanges, out: Path) -> Parity:
        """Write the INT8 model to `out` and its ranges beside it, both or neither; return how far off it is.

        Both models run on ONNX Runtime, the INT8 one as written: optimised, it would be measured with the rounding
        of this processor's integer kernels instead of a GPU's.
        Raises CoconetError where the comparison is beyond the limits; then nothing stands under a final name.
        """
        self.check_name(out)
        with whole_file(ranges_path(out)) as ranges_scratch, whole_file(out) as scratch:
            ranges_scratch.write_text(ranges.to_json(), encoding="utf-8")
            quantized.write(scratch)
            parity = self._compare(scratch)
            require(parity, self.limits, out)
        return parity

    def _compare(self, candidate: Path) -> Parity:
        with (
            OnnxRuntimeBackend(self.reference) as float_model,
            OnnxRuntimeBackend(candidate, optimise=False) as int8_model,
        ):
            return compare(float_model, int8_model, fitted(self.frames, float_model.card))


def ranges_path(out: Path) -> Path:
    """Where the ranges of the INT8 model `out` are written: beside it."""
    return out.with_suffix(".ranges.json")
