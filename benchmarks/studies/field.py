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

from coconet.benchmarks.studies.excerpt import Sample
from coconet.benchmarks.studies.field_entries import FieldEntry, Forms
from coconet.benchmarks.studies.flicker import measure_steadiness
from coconet.calibration.int8.coverage import FrameStatistics
from coconet.cards.precision import PRECISIONS, REFERENCE, PrecisionName
from coconet.errors import CoconetError
from coconet.media.pixels import luma
from coconet.metrics.scores import Scores
from coconet.metrics.variants import Variant
from coconet.runtime.backends.backend import Backend
from coconet.runtime.backends.open_backend import open_backend
from coconet.runtime.backends.ort_gpu import cuda_verdict
from coconet.runtime.frame import FramePair

DAY, NIGHT = "day", "night"

ROUNDS = 5
"""How often every form fuses the frame that is timed, after one that does not count; in turns."""


RANDOM_WEIGHTS = "random weights, so there is only its speed"
"""The note of what is untrained."""


@dataclass(frozen=True)
class FieldRow:
    """One line of the table.

    graph_bytes: of the FP32 graph; None without one. quality: means by day and by night; a part without frames is
    not there, and none is for random weights. time_ms: median time of a frame for every precision that runs here.
    flicker: the ratio of ModelSteadiness; None where nothing moves. notes: what is missing, and why.
    """

    entry: FieldEntry
    graph_bytes: int | None = None
    quality: Mapping[str, Scores] = field(default_factory=dict)
    time_ms: Mapping[PrecisionName, float] = field(default_factory=dict)
    flicker: float | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class FieldFrames:
    """What everything is measured on: stills by part of the day, neighbouring frames of a video, a frame to time."""

    stills: Mapping[str, Sequence[FramePair]]
    video: Sequence[Sample]

    @property
    def timed(self) -> FramePair:
        """The first still, of whatever part."""
        return next(pair for pairs in self.stills.values() for pair in pairs)

    @property
    def size(self) -> str | None:
        """The one size of all stills and of the video, as options have it; None where there are several."""
        stills = (pair for pairs in self.stills.values() for pair in pairs)
        sizes = {pair.visible.pixels.shape[:2] for pair in (*stills, *(sample.pair for sample in self.video))}
        return "{}x{}".format(*sizes.pop()) if len(sizes) == 1 else None

    @property
    def steps(self) -> int:
        """How many pictures one entry fuses for its quality and its flicker."""
        return sum(map(len, self.stills.values())) + len(self.video)


def by_daylight(pairs: Sequence[FramePair]) -> dict[str, list[FramePair]]:
    """Stills by day and by night: dark ones by the rule of FrameStatistics. A part without any is not there.

    Raises CoconetError for no pairs at all.
    """
    if not pairs:
        raise CoconetError("field", wanted="one pair or more", got="none", remedy="Name a paired folder with --frames.")
    parts: dict[str, list[FramePair]] = {}
    for pair in sorted(pairs, key=lambda pair: FrameStatistics.of(pair).dark):
        parts.setdefault(NIGHT if FrameStatistics.of(pair).dark else DAY, []).append(pair)
    return parts


def field_runner() -> str:
    """What runs every graph of the table on this machine: a GPU, else OpenVINO, where INT8 pays, else ONNX Runtime."""
    if cuda_verdict() is None:
        return "ort-cuda"
    return "openvino" if find_spec("openvino") else "ort"


def measure_entry(
    entry: FieldEntry, forms: Forms, frames: FieldFrames, variant: Variant, report: Callable[[], None]
) -> FieldRow:
    """Fuse all frames with an entry's FP32 form and score them, then time its forms in turns.

    What has random weights is only timed: its pictures say nothing.
    report: called after every picture that is scored or watched.
    """
    runner = "auto" if entry.kind == "classical" else field_runner()
    with ExitStack() as stack:
        opened = {
            precision: stack.enter_context(closing(open_backend(model, runner)))
            for precision, model in forms.models.items()
        }
        graph_bytes = Path(forms.models[REFERENCE]).stat().st_size if entry.weights else None
        notes = tuple(forms.notes)
        if entry.kind == "untrained":
            times = time_in_turns(opened, frames.timed)
            return FieldRow(entry, graph_bytes, time_ms=times, notes=(RANDOM_WEIGHTS, *notes))
        reference = opened[REFERENCE]
        quality = {part: _mean(reference, pairs, variant, report) for part, pairs in frames.stills.items()}
        steadiness = measure_steadiness([(entry.name, reference)], frames.video, report=report)
        return FieldRow(
            entry,
            graph_bytes,
            quality,
            time_in_turns(opened, frames.timed),
            steadiness.models[0].change.flicker_ratio,
            notes,
        )


def time_in_turns(
    forms: Mapping[PrecisionName, Backend], pair: FramePair, clock: Callable[[], float] = time.perf_counter
) -> dict[PrecisionName, float]:
    """The median time of one frame, ms, for every form; they take turns, so that what disturbs one disturbs all."""
    spent: dict[PrecisionName, list[float]] = {precision: [] for precision in forms}
    for _ in range(ROUNDS + 1):
        for precision, backend in forms.items():
            begin = clock()
            backend.fuse(pair.visible.pixels, pair.infrared.pixels)
            spent[precision].append(1e3 * (clock() - begin))
    return {precision: median(times[1:]) for precision, times in spent.items()}


def _mean(backend: Backend, pairs: Sequence[FramePair], variant: Variant, report: Callable[[], None]) -> Scores:
    found = []
    for pair in pairs:
        pictures = (backend.fuse(pair.visible.pixels, pair.infrared.pixels), pair.infrared.pixels, pair.visible.pixels)
        found.append(astuple(variant.score(*(np.rint(luma(picture)).astype(np.uint8) for picture in pictures))))
        report()
    return Scores(*np.mean(found, axis=0).tolist())


def precisions_shown(rows: Sequence[FieldRow]) -> list[PrecisionName]:
    """The precisions that any row was timed in, in their order."""
    return [precision for precision in PRECISIONS if any(precision in row.time_ms for row in rows)]
