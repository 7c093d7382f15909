"""What a run of two cameras through a model came to: counts, rate, latency and skew."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coconet.cards.precision import PrecisionName
from coconet.errors import counted
from coconet.runtime.loop.happenings import Happenings
from coconet.runtime.loop.latency_log import Percentiles, StageTime
from coconet.runtime.loop.run_stats import RunTotals
from coconet.runtime.loop.selection import UnfusedPair
from coconet.runtime.pairing.stream_counts import CameraCount, StreamCounts

if TYPE_CHECKING:
    from rich.table import Table

_MOST_NAMED = 4  # files, in a line of a report


@dataclass(frozen=True)
class RunReport:
    """The end of a run.

    backend: what ran the model. fused: frames that went to the sink.
    seconds: from asking for the first pair to the finished output, without the choice of what runs the model.
    latency_ms: the backend. skew_ms: between the two stamps of a pair, absolute. Both are None if no pair was fused.
    interrupted: whether the run was stopped before the cameras ended.
    capture_to_fused_ms: from the later stamp of a pair to its picture; None for recordings.
    stages: the time of every stage. superseded: prepared pairs that gave way to a newer one.
    passed_through: frames that show one camera alone, because the other was not there, or there was no server.
    taken_over: frames that the local model fused while the server of the model was lost. without_server: those passed
    through because of that, without a local model. server_losses: how often it was lost. server_lost_s: how long.
    left_over: pairs that were ready, and were not fused any more when the run was stopped or had its frames.
    skipped: pairs whose picture was there already. misfits: pairs that were left out because they could not be fused.
    output_loss: what was fused but not written, in words; empty if everything was.
    written_to: the file or folder that was written; empty without one.
    encoders: what encoded the output, in order; more than one if one failed on the way, none if nothing was encoded.
    files: what the output is in, files and folders that are whole. happened: times of day, alarms and readings; None if
    nobody took note of them. running: whether this was written while the run went on; one that stays so was killed.
    """

    model: str
    precision: PrecisionName
    backend: str
    counts: StreamCounts
    fused: int
    seconds: float
    latency_ms: Percentiles | None
    skew_ms: Percentiles | None
    interrupted: bool = False
    capture_to_fused_ms: Percentiles | None = None
    stages: tuple[StageTime, ...] = ()
    superseded: int = 0
    left_over: int = 0
    passed_through: int = 0
    skipped: int = 0
    misfits: tuple[UnfusedPair, ...] = ()
    output_loss: str = ""
    encoders: tuple[str, ...] = ()
    taken_over: int = 0
    without_server: int = 0
    server_losses: int = 0
    server_lost_s: float = 0.0
    written_to: str = ""
    files: tuple[str, ...] = ()
    happened: Happenings | None = None
    running: bool = False

    @classmethod
    def of(cls, figures: RunTotals, counts: StreamCounts, *, interrupted: bool) -> RunReport:
        """Lay out what a run has come to. figures: over all of it."""
        return cls(
            model=figures.model,
            precision=figures.precision,
            backend=figures.backend,
            counts=counts,
            fused=figures.fused,
            seconds=figures.seconds,
            latency_ms=figures.latency_ms,
            skew_ms=figures.skew_ms,
            interrupted=interrupted,
            capture_to_fused_ms=figures.capture_to_fused_ms,
            stages=figures.stages,
            superseded=figures.superseded,
            passed_through=figures.passed_through,
            taken_over=figures.taken_over,
            without_server=figures.without_server,
            server_losses=figures.server_losses,
            server_lost_s=figures.server_lost_s,
        )

    @property
    def trouble(self) -> str:
        """Say that a large share of the frames found no partner; empty if not, or if the run was stopped or goes on."""
        return "" if self.interrupted or self.running else self.counts.trouble

    @property
    def remedy(self) -> str:
        """Say what to do about that trouble."""
        return self.counts.remedy

    @property
    def left_out(self) -> list[str]:
        """Say, a line for each, which pairs misfit and which camera's frames were damaged."""
        sides = (("visible", self.counts.visible), ("infrared", self.counts.infrared))
        damaged = [(side, count.damaged) for side, count in sides if count.damaged]
        lines = [f"{misfit.name}: {misfit.reason}" for misfit in self.misfits]
        return [
            *lines,
            *(line for _, count in sides for line in count.unreadable),
            *(f"{side}: {counted(count, 'frame')} damaged or built on such" for side, count in damaged),
        ]

    @property
    def fps(self) -> float:
        """Fused frames a second over the whole run, writing included."""
        return self.fused / self.seconds

    def to_json(self) -> str:
        """Write the report with its rate, indented; units are in the names."""
        return json.dumps({**dataclasses.asdict(self), "fps": self.fps}, indent=2)

    def rows(self) -> list[tuple[str, str]]:
        """Say what each line is about and what it came to, in words."""
        facts = self.facts()
        cameras = [("visible", _in_words(self.counts.visible)), ("infrared", _in_words(self.counts.infrared))]
        return [facts[0], *cameras, *facts[1:], *((name, _milliseconds(ms)) for name, ms in self.timings())]

    def facts(self) -> list[tuple[str, str]]:
        """Say what fused, how much of it, what encoded it, and where it is: all but counts of cameras and timings."""
        stopped = ", so far" if self.running else ", stopped before the end" if self.interrupted else ""
        one_camera = self.passed_through - self.without_server
        alone = f", {one_camera} of one camera alone" if one_camera else ""
        lost = f", {self.without_server} not fused for want of the server" if self.without_server else ""
        local = f", {self.taken_over} of the local model" if self.taken_over else ""
        gone = f", {counted(self.superseded, 'pair')} gave way to newer ones" if self.superseded else ""
        left = f", {counted(self.left_over, 'pair')} left over" if self.left_over else ""
        there = f", {counted(self.skipped, 'picture')} there already" if self.skipped else ""
        unfit = f", {counted(len(self.misfits), 'pair')} misfit" if self.misfits else ""
        fused = f"{counted(self.fused, 'frame')} in {self.seconds:.1f} s, {self.fps:.1f} fps"
        rows = [
            ("model", f"{self.model} {self.precision}, {self.backend}"),
            ("fused", f"{fused}{stopped}{alone}{lost}{local}{gone}{left}{there}{unfit}"),
        ]
        if self.server_losses:
            often = "once" if self.server_losses == 1 else f"{self.server_losses} times"
            rows.append(("server", f"lost {often}, {self.server_lost_s:.1f} s in all"))
        where = _listed(self.files) or self.written_to
        more = (("encoded by", ", then ".join(self.encoders)), ("written to", where))
        rows += [(name, told) for name, told in more if told]
        return rows if self.happened is None else [*rows, *self.happened.facts()]

    def timings(self) -> list[tuple[str, Percentiles]]:
        """Everything that was timed, in milliseconds, with what it is called."""
        timed = (
            ("latency of the model", self.latency_ms),
            ("capture to fused", self.capture_to_fused_ms),
            ("skew", self.skew_ms),
            *((stage.stage, stage.ms) for stage in self.stages if stage.stage != "fuse"),  # that is the latency
        )
        return [(name, ms) for name, ms in timed if ms is not None]

    def to_table(self) -> Table:
        """Lay the report out for a terminal."""
        from rich.table import Table  # at the end of a run, not on its way to the first frame

        table = Table(box=None, show_header=False)
        table.add_column(style="bold")
        for row in self.rows():
            table.add_row(*row)
        return table


def _listed(files: Sequence[str]) -> str:
    """The names of files; of many, how many there are, the first and the last."""
    if len(files) <= _MOST_NAMED:
        return ", ".join(files)
    return f"{len(files)} files, from {files[0]} to {files[-1]}"


def _in_words(count: CameraCount) -> str:
    why = f" ({count.unpaired})" if str(count.unpaired) else ""
    more = f", {count.damaged} damaged" if count.damaged else ""
    more += f", {count.left_over} left over" if count.left_over else ""
    more += f", {count.unread} more after the other's end" if count.unread else ""
    decoded = f", decoded by {count.decoded_by}" if count.decoded_by not in ("", "software") else ""
    return f"{counted(count.read, 'frame')} read, {count.paired} paired, {count.dropped} dropped{why}{more}{decoded}"


def _milliseconds(ms: Percentiles) -> str:
    return f"p50 {ms.p50:.1f} ms, p95 {ms.p95:.1f} ms, p99 {ms.p99:.1f} ms"
