"""The field: every network and rule on the same frames; how good by day and by night, how fast, how steady."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import astuple, dataclass, field
from importlib.util import find_spec
from pathlib import Path
from statistics import median

import numpy as np

from coconet.benchmarks.studies.field_entries import FieldEntry, Forms
from coconet.benchmarks.studies.field_frames import FieldFrames
from coconet.benchmarks.studies.flicker import measure_steadiness
from coconet.cards.precision import PRECISIONS, REFERENCE, PrecisionName
from coconet.media.pixels import luma
from coconet.metrics.scores import Scores
from coconet.metrics.variants import Variant
from coconet.runtime.backends.backend import Backend
from coconet.runtime.backends.cuda_provider import cuda_verdict
from coconet.runtime.backends.open_backend import open_backend
from coconet.runtime.frame import FramePair

ROUNDS = 5
"""How often every form fuses the frame that is timed, after one that does not count; in turns."""


RANDOM_WEIGHTS = "random weights, so there is only its speed"
"""The note of what is untrained."""


@dataclass(frozen=True)
class Pace:
    """How fast one form is. ms: the median time of a frame.

    ratio: its work as a multiple of the yardstick's in the same turn, median. On a processor work is processor time of
    all threads: on a busy one the time of a long frame is mostly that of others, and that of a short one is not.
    """

    ms: float
    ratio: float


@dataclass(frozen=True)
class FieldRow:
    """One line of the table.

    graph_bytes: of the FP32 graph; None without one. quality: means by day and by night; a part without frames is
    not there, and none is for random weights. paces: how fast every precision that runs here is.
    flicker: the ratio of ModelSteadiness; None if nothing moves. notes: what is missing, and why.
    """

    entry: FieldEntry
    graph_bytes: int | None = None
    quality: Mapping[str, Scores] = field(default_factory=dict)
    paces: Mapping[PrecisionName, Pace] = field(default_factory=dict)
    flicker: float | None = None
    notes: tuple[str, ...] = ()


def field_runner() -> str:
    """What runs every graph of the table on this machine: a GPU, else OpenVINO, where INT8 pays, else ONNX Runtime."""
    if cuda_verdict() is None:
        return "ort-cuda"
    return "openvino" if find_spec("openvino") else "ort"


@dataclass(frozen=True)
class FieldStudy:
    """What every entry is measured with: frames, an evaluator, and the network that times are compared with."""

    frames: FieldFrames
    variant: Variant
    yardstick: Backend

    def measure(self, entry: FieldEntry, forms: Forms, report: Callable[[], None]) -> FieldRow:
        """Fuse all frames with an entry's FP32 form and score them, then time its forms in turns.

        What has random weights is only timed: its pictures say nothing.
        report: called after every picture that is scored or watched.
        """
        with ExitStack() as stack:
            opened = {
                precision: stack.enter_context(closing(open_form(entry, model)))
                for precision, model in forms.models.items()
            }
            graph_bytes = Path(forms.models[REFERENCE]).stat().st_size if entry.weights else None
            paces, notes = self._paces(opened), tuple(forms.notes)
            if entry.kind == "untrained":
                return FieldRow(entry, graph_bytes, paces=paces, notes=(RANDOM_WEIGHTS, *notes))
            reference = opened[REFERENCE]
            stills = self.frames.stills.items()
            quality = {part: _mean(reference, pairs, self.variant, report) for part, pairs in stills}
            steadiness = measure_steadiness([(entry.name, reference)], self.frames.video, report=report)
            return FieldRow(entry, graph_bytes, quality, paces, steadiness.models[0].change.flicker_ratio, notes)

    def _paces(self, opened: Mapping[PrecisionName, Backend]) -> dict[PrecisionName, Pace]:
        return time_in_turns(opened, self.yardstick, self.frames.timed, (time.perf_counter, work_clock()))


def open_form(entry: FieldEntry, model: str) -> Backend:
    """Open a form of an entry with the runner of the table."""
    return open_backend(model, "auto" if entry.kind == "classical" else field_runner())


def work_clock() -> Callable[[], float]:
    """The clock of ratios: of the threads of this process where a processor fuses, of the wall where a GPU does."""
    return time.perf_counter if field_runner() == "ort-cuda" else time.process_time


def time_in_turns(
    forms: Mapping[PrecisionName, Backend],
    yardstick: Backend,
    pair: FramePair,
    clocks: tuple[Callable[[], float], Callable[[], float]],
) -> dict[PrecisionName, Pace]:
    """How fast every form fuses a pair; all and the yardstick take turns, so that what disturbs one disturbs all.

    clocks: of the wall, and of the work that ratios are made of; both in seconds.
    """

    def spent(backend: Backend) -> tuple[float, float]:
        begin = [clock() for clock in clocks]
        backend.fuse(pair.visible.pixels, pair.infrared.pixels)
        wall, work = (clock() - start for clock, start in zip(clocks, begin, strict=True))
        return 1e3 * wall, work

    turns = [(spent(yardstick)[1], {name: spent(form) for name, form in forms.items()}) for _ in range(ROUNDS + 1)]
    return {
        name: Pace(
            median(turn[name][0] for _, turn in turns[1:]), median(turn[name][1] / unit for unit, turn in turns[1:])
        )
        for name in forms
    }


def _mean(backend: Backend, pairs: Sequence[FramePair], variant: Variant, report: Callable[[], None]) -> Scores:
    found = []
    for pair in pairs:
        pictures = (backend.fuse(pair.visible.pixels, pair.infrared.pixels), pair.infrared.pixels, pair.visible.pixels)
        found.append(astuple(variant.score(*(np.rint(luma(picture)).astype(np.uint8) for picture in pictures))))
        report()
    return Scores(*np.mean(found, axis=0).tolist())


def precisions_shown(rows: Sequence[FieldRow]) -> list[PrecisionName]:
    """The precisions that any row was timed in, in their order."""
    return [precision for precision in PRECISIONS if any(precision in row.paces for row in rows)]
