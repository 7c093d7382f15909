"""A benchmark's report: device and measurements, as a table for people and JSON for programs."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass

from rich.table import Table

from benchmarks.device import Device
from benchmarks.measure import Measurement

SCHEMA = 1
"""Version of the JSON's layout; it goes up whenever a reader would have to change."""


@dataclass(frozen=True)
class BenchReport:
    """Everything one benchmark run found out."""

    device: Device
    height_px: int
    width_px: int
    measurements: tuple[Measurement, ...]

    def to_json(self) -> str:
        """Write the report, indented; units are in the names."""
        return json.dumps({"schema": SCHEMA, **dataclasses.asdict(self)}, indent=2)

    def to_table(self) -> Table:
        """Lay the measurements out for a terminal, one row a model."""
        title = f"{self.height_px}x{self.width_px}, {self.device.processor}, {self.device.cores} cores"
        table = Table(title=title, title_justify="left", box=None, pad_edge=False)
        for heading in ("model", "precision", "backend"):
            table.add_column(heading, no_wrap=heading == "model")
        for heading in ("p50 ms", "p95 ms", "p99 ms", "fps", "ratio"):
            table.add_column(heading, justify="right")
        for found in self.measurements:
            figures = dataclasses.astuple(found.latency_ms)
            table.add_row(
                *(found.model, found.precision, found.backend),
                *(f"{value:.1f}" for value in (*figures, found.fps)),
                f"{found.ratio:.2f}",
            )
        return table
