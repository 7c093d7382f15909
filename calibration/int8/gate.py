"""Gate: an INT8 model gets its final name only after its pictures were compared with the float model's."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from coconet.calibration.int8.graph import OnnxModel
from coconet.calibration.int8.ranges import ActivationRanges
from coconet.cards.precision import ParityLimits
from coconet.errors import CoconetError
from coconet.model_endings import ONNX_SUFFIX
from coconet.runtime.backends.backend import Backend
from coconet.runtime.frame import FramePair
from coconet.runtime.frame_check import fit_pairs
from coconet.runtime.verify.parity import Parity, answers_of, compare, within
from coconet.runtime.verify.reference_backend import common_card, open_to_compare
from coconet.runtime.verify.verification import VerdictLimits, judge, verification_of
from coconet.writing.scratch import ScratchFolder
from coconet.writing.together import whole_together

LEAST_JUDGED_PX = 41
"""The least side of pictures that VIF can judge."""


@dataclass(frozen=True)
class Trial:
    """An INT8 model that was measured and not kept. reasons: what is beyond the limits, a clause each."""

    parity: Parity
    size_bytes: int
    reasons: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether it is within all limits."""
        return not self.reasons


@dataclass(frozen=True)
class Gate:
    """What an INT8 model is held against.

    float_model: the file it was made from. reference: the model to be like, that one or another, open; it is asked
    for the same pictures by every trial, so one that keeps them (CachingBackend) fuses each once.
    frames: pairs of any size and channel count, the same at every iteration; they are fitted to the cards.
    measured: those that the ranges came from. What holds on `frames` has to hold on all of them together as well: what
        `coconet verify` looks at if it is given the same folder.
    metric_change: see Precision; infinite where metrics do not count. It is the gate of `coconet verify`: pixels, then,
        where those hold, fusion metrics and suspicious frames. Frames under LEAST_JUDGED_PX a side have no metrics.
    """

    float_model: Path
    frames: Iterable[FramePair]
    limits: ParityLimits
    reference: Backend
    metric_change: float = math.inf
    measured: Iterable[FramePair] | None = None

    def measure(self, quantized: OnnxModel) -> Trial:
        """Compare an INT8 model with the reference, as the file it would be, run as written, and leave no file."""
        with ScratchFolder() as folder:
            path = Path(folder) / "candidate.onnx"
            quantized.write(path)
            parity, reasons = self._compare(path)
            return Trial(parity, path.stat().st_size, reasons)

    def write(self, quantized: OnnxModel, ranges: ActivationRanges, out: Path) -> None:
        """Write an INT8 model that holds to `out` and its ranges beside it, both or neither."""
        check_name(out, self.float_model)
        with whole_together(ranges_path(out), out) as (ranges_scratch, scratch):
            ranges_scratch.write_text(ranges.to_json(), encoding="utf-8")
            quantized.write(scratch)

    def _compare(self, candidate: Path) -> tuple[Parity, tuple[str, ...]]:
        with closing(open_to_compare(candidate)) as int8_model:
            parity, reasons = self._judge(int8_model, self.frames)
            if reasons or self.measured is None:
                return parity, reasons
            of_all, reasons = self._judge(int8_model, _Together((self.frames, self.measured)))
            return (of_all, reasons) if reasons else (parity, ())

    def _judge(self, int8_model: Backend, frames: Iterable[FramePair]) -> tuple[Parity, tuple[str, ...]]:
        card = common_card(self.reference.card, int8_model.card)
        parity = compare(self.reference, int8_model, fit_pairs(frames, card))
        if not within(parity, self.limits):
            return parity, (str(parity),)
        if math.isinf(self.metric_change) or not all(map(_has_metrics, fit_pairs(frames, card))):
            return parity, ()
        answers = answers_of(self.reference, int8_model, fit_pairs(frames, card))
        return parity, judge(verification_of(answers), VerdictLimits(self.limits, self.metric_change)).reasons


@dataclass(frozen=True)
class _Together:
    """One set of frames after the other, at every iteration."""

    parts: tuple[Iterable[FramePair], ...]

    def __iter__(self) -> Iterator[FramePair]:
        return chain.from_iterable(self.parts)


def _has_metrics(pair: FramePair) -> bool:
    height, width = pair.visible.pixels.shape[:2]
    return bool(min(height, width) >= LEAST_JUDGED_PX)


def check_name(out: Path, float_model: Path) -> None:
    """Raise CoconetError if `out` can be no INT8 model: before the measuring, which may take minutes."""
    wrong = None
    if out.suffix != ONNX_SUFFIX:
        wrong = f"has {f'the ending {out.suffix}' if out.suffix else 'no ending'}; an INT8 model ends in {ONNX_SUFFIX}"
    elif os.path.realpath(out) == os.path.realpath(float_model):
        wrong = "is the float model itself"
    if wrong is not None:
        raise CoconetError(
            out,
            wanted="a name that ends in .onnx, other than the float model's",
            got=f"one that {wrong}",
            remedy="Choose another name with --out.",
            says=wrong,
        )


def ranges_path(out: Path) -> Path:
    """Where the ranges of the INT8 model `out` are written: beside it."""
    return out.with_suffix(".ranges.json")
