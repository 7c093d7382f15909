"""A campaign: entries times frame sizes, measured group by group, each kept as soon as it is known."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from coconet.benchmarks.latency.end_to_end import Recording, stream_recording, synthetic_recording
from coconet.benchmarks.latency.entry import Entry
from coconet.benchmarks.latency.interleaved import Timed, measure
from coconet.benchmarks.latency.pictures import (
    BenchFrames,
    FusedPictures,
    objection,
    parity_with,
    quality_of,
    reference_of,
)
from coconet.benchmarks.latency.profile import layers_inside, stages_inside
from coconet.benchmarks.latency.sampler import Sampler
from coconet.benchmarks.latency.stopping_rule import StoppingRule
from coconet.benchmarks.latency.worker import Worker, first_frame_ms, peak_memory_mib, pictures
from coconet.benchmarks.machine.device import Device
from coconet.benchmarks.results.report import BenchReport, now_in_words
from coconet.benchmarks.results.schema import Layer, Quality, Row, Startup
from coconet.cards.frame_size import FrameSize
from coconet.errors import CoconetError, MissingPackage, counted
from coconet.progress.board import working
from coconet.progress.work import Work
from coconet.runtime.frame import FramePair
from coconet.writing.scratch import ScratchFolder

STREAM_BUDGET_S = 6.0

STREAM_SLOWEST_MS = 1000.0
"""A model that takes longer is not run end to end: what it cannot do live shows in its latency."""

SAVE_EVERY_S = 2.0

ONNX_RUNTIME, ON_CPU = "ONNX Runtime", "(CPU)"
"""How the name of the backend begins and ends whose profiler is asked from outside."""


@dataclass(frozen=True)
class Plan:
    """What a campaign measures.

    streams_s: length of the end-to-end recording, 0 for none. layers: profile nodes.
    patience_s: a model that takes longer to load, or for a first frame, is left out.
    """

    entries: tuple[Entry, ...]
    sizes: tuple[FrameSize, ...]
    effort: StoppingRule
    frames: BenchFrames
    streams_s: float = 0.0
    layers: bool = False
    patience_s: float | None = None


Progress = Callable[[str, float], None]
"""What is going on, and how much of the whole is done, 0..1."""


class Campaign:
    """Runs a plan; `report` is what is known so far, and `keep` gets it whenever that grew by something worth keeping.

    rows: those of an earlier, interrupted run of the same plan. Complete ones are not measured again.
    """

    def __init__(
        self, plan: Plan, device: Device, keep: Callable[[BenchReport], None], progress: Progress, rows: Iterable[Row]
    ) -> None:
        self._plan, self._keep, self._progress = plan, keep, progress
        self._rows = [row for row in rows if row.complete]
        self._blank = BenchReport(made=now_in_words(), device=device, frames=str(plan.frames), rule=str(plan.effort))
        self._done = 0
        self._saved = time.monotonic()

    @property
    def report(self) -> BenchReport:
        """Device, conditions and the rows so far."""
        return self._blank.model_copy(update={"rows": tuple(self._rows)})

    def run(self, sampler: Sampler) -> BenchReport:
        """Measure size after size. Raises CoconetError if nothing could be timed at all."""
        with ScratchFolder() as folder:
            for size in self._plan.sizes:
                before = {row.key for row in self._rows}
                entries = [e for e in self._plan.entries if (e.label, e.runner, str(size)) not in before]
                if entries:
                    group = Group(self._plan, entries, size, self._at)
                    self._add(group.run(sampler, Path(folder), self._partly))
                self._done += 1
        return self.report

    def _add(self, rows: Sequence[Row]) -> None:
        self._rows.extend(rows)
        self._keep(self.report)

    def _partly(self, rows: Sequence[Row]) -> None:
        """Keep a group that is still being measured, now and then, marked as incomplete."""
        if time.monotonic() - self._saved >= SAVE_EVERY_S:
            self._saved = time.monotonic()
            self._keep(self._blank.model_copy(update={"rows": (*self._rows, *rows)}))

    def _at(self, doing: str, share: float) -> None:
        self._progress(doing, (self._done + share) / len(self._plan.sizes))


class Group:
    """The entries of one frame size: opened one after the other, checked, timed in turns, then streamed."""

    def __init__(self, plan: Plan, entries: Sequence[Entry], size: FrameSize, progress: Progress) -> None:
        self._plan, self._entries, self.size, self._progress = plan, entries, size, progress
        self._rows: dict[str, Row] = {}
        self._workers: dict[str, Worker] = {}
        self._pairs: dict[str, list[FramePair]] = {}

    def run(self, sampler: Sampler, folder: Path, partly: Callable[[list[Row]], None]) -> list[Row]:
        """Do it all, and give one row an entry, in their order."""
        with ExitStack() as stack:
            for number, entry in enumerate(self._entries):
                self._progress(f"{self.size}: opening {entry.label}", 0.2 * number / len(self._entries))
                self._open(entry, sampler, stack)
            self._compare_pictures()
            with working(f"{self.size}: timing {counted(len(self._workers), 'row')}", 1.0) as work:
                note = partial(self._note, partly=partly, work=work)
                timed = measure(list(self._workers.values()), self._plan.effort, note)
            self._take(timed, sampler)
            if self._plan.streams_s:
                self._stream(synthetic_recording(folder, self.size, self._plan.streams_s))
            self._look_inside()
        return [self._rows[entry.label] for entry in self._entries]

    def _open(self, entry: Entry, sampler: Sampler, stack: ExitStack) -> None:
        row = Row(
            entry=entry.label,
            model=entry.model,
            runner=entry.runner,
            height_px=self.size.height_px,
            width_px=self.size.width_px,
        )
        try:
            worker = stack.enter_context(Worker(entry.label, entry.open, self._plan.patience_s))
            card = worker.loaded.card
            row = row.model_copy(
                update={
                    "network": card.network,
                    "precision": card.precision,
                    "backend": worker.loaded.backend,
                    "weights_sha256": card.weights_sha256,
                    "file_sha256": entry.file_sha256(),
                }
            )
            self._pairs[entry.label] = self._plan.frames.pairs(card, self.size)
            worker.hold(self._pairs[entry.label])
            first_ms = worker.ask(first_frame_ms)
            startup = Startup(
                load_ms=worker.loaded.load_ms,
                first_frame_ms=first_ms,
                host_mib=worker.ask(peak_memory_mib),
                device_mib=sampler.sensor.device_mib(worker.pid),
            )
            self._workers[entry.label] = worker
            self._rows[entry.label] = row.model_copy(update={"startup": startup})
        except CoconetError as error:
            self._rows[entry.label] = row.model_copy(update={"refused": str(error)})

    def _compare_pictures(self) -> None:
        """Fuse the frames with every entry; one that gives other pictures than its reference is not timed."""
        galleries = []
        for number, (label, worker) in enumerate(self._workers.items()):
            self._progress(f"{self.size}: comparing pictures", 0.2 + 0.1 * number / len(self._workers))
            galleries.append(FusedPictures(label, worker.loaded.card, tuple(worker.ask(pictures))))
        for gallery in galleries:
            reference, pairs = reference_of(gallery, galleries), self._pairs[gallery.label]
            refused = objection(parity_with(reference, gallery, pairs), gallery) if reference else None
            self._update(gallery.label, quality=_quality(gallery, pairs, reference), refused=refused)
            if refused:
                del self._workers[gallery.label]

    def _note(self, timed: list[Timed], partly: Callable[[list[Row]], None], work: Work) -> None:
        shares = [self._plan.effort.share_done(one.samples_ms, len(one.processes)) for one in timed]
        done = sum(shares) / len(shares)
        self._progress(f"{self.size}: timing", 0.3 + 0.5 * done)
        work.update(done=done)
        partly([self._timed_row(one, complete=False) for one in timed if one.turns_ms])

    def _take(self, timed: list[Timed], sampler: Sampler) -> None:
        for one in timed:
            row = self._timed_row(one, complete=True)
            mean_ms = sum(one.samples_ms) / len(one.samples_ms)
            self._rows[row.entry] = row.model_copy(update={"energy": sampler.during(one.windows, mean_ms)})

    def _timed_row(self, one: Timed, complete: bool) -> Row:
        return self._rows[one.worker.name].timed(one.turns_ms, one.yardstick_ms, one.processes, complete)

    def _stream(self, recording: Recording) -> None:
        for number, (label, worker) in enumerate(self._workers.items()):
            self._progress(f"{self.size}: {label} end to end", 0.8 + 0.15 * number / len(self._workers))
            latency = self._rows[label].latency
            if latency is not None and latency.p50 <= STREAM_SLOWEST_MS:
                limit = max(2, round(STREAM_BUDGET_S * 1e3 / latency.p50))
                self._update(label, stream=worker.ask(stream_recording, recording, limit))

    def _look_inside(self) -> None:
        """What the backends tell of a frame themselves, after everything that is timed: a profiler costs time."""
        for number, (label, worker) in enumerate(self._workers.items()):
            self._progress(f"{self.size}: inside {label}", 0.95 + 0.05 * number / len(self._workers))
            self._update(label, stages=worker.ask(stages_inside), layers=tuple(self._layers(label, worker)))

    def _layers(self, label: str, worker: Worker) -> list[Layer]:
        path = next(entry.resolved for entry in self._entries if entry.label == label)
        if not self._plan.layers:
            return []
        name = worker.loaded.backend
        if not (name.startswith(ONNX_RUNTIME) and name.endswith(ON_CPU)):
            return worker.ask(layers_inside)
        from coconet.benchmarks.latency.profile import profile_nodes

        return profile_nodes(path, self._pairs[label])

    def _update(self, label: str, **fields: object) -> None:
        self._rows[label] = self._rows[label].model_copy(update=fields)


def _quality(gallery: FusedPictures, pairs: Sequence[FramePair], reference: FusedPictures | None) -> Quality | None:
    """None if the metrics' own packages are not installed, which a device that only runs models may lack."""
    try:
        return quality_of(gallery, pairs, reference)
    except MissingPackage:
        return None
