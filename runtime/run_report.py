"""What a run of two cameras through a model came to: counts, rate, latency and skew."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass

from rich.table import Table

from coconet.signature import Precision
from runtime.latency import Percentiles
from runtime.stream import CameraCount, StreamCounts


@dataclass(frozen=True)
class RunReport:
    """The end of a run.

    backend: what ran the model. fused: frames that went to the sink.
    seconds: from asking for the first pair to the finished output.
    latency_ms: from a complete pair to its fused picture. skew_ms: between the two stamps of a pair, absolute.
    interrupted: whether somebody stopped the run before the cameras ended.
    """

    model: str
    precision: Precision
    backend: str
    counts: StreamCounts
    fused: int
    seconds: float
    latency_ms: Percentiles
    skew_ms: Percentiles
    interrupted: bool = False

    @property
    def fps(self) -> float:
        """Fused frames a second over the whole run, writing included."""
        return self.fused / self.seconds

    def to_json(self) -> str:
        """Write the report with its rate, indented; units are in the names."""
        return json.dumps({**dataclasses.asdict(self), "fps": self.fps}, indent=2)

    def rows(self) -> list[tuple[str, str]]:
        """Say what each line is about and what it came to, in words."""
        latency, skew = self.latency_ms, self.skew_ms
        stopped = ", stopped before the end" if self.interrupted else ""
        return [
            ("model", f"{self.model} {self.precision}, {self.backend}"),
            ("visible", _in_words(self.counts.visible)),
            ("infrared", _in_words(self.counts.infrared)),
            ("fused", f"{self.fused} frames in {self.seconds:.1f} s, {self.fps:.1f} fps{stopped}"),
            ("latency", f"p50 {latency.p50:.1f} ms, p95 {latency.p95:.1f} ms, p99 {latency.p99:.1f} ms"),
            ("skew", f"p50 {skew.p50:.1f} ms, p95 {skew.p95:.1f} ms"),
        ]

    def to_table(self) -> Table:
        """Lay the report out for a terminal."""
        table = Table(box=None, show_header=False)
        table.add_column(style="bold")
        for row in self.rows():
            table.add_row(*row)
        return table


def _in_words(count: CameraCount) -> str:
    return f"{count.read} frames read, {count.paired} paired, {count.dropped} dropped"
