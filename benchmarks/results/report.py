"""A benchmark's report: device, conditions and rows, as JSON for programs, and as a table for a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Literal

from rich.box import SIMPLE_HEAD
from rich.table import Table

from coconet.benchmarks.machine.device import Device
from coconet.benchmarks.machine.reference_load import spread
from coconet.benchmarks.results.compare import versus_in_turns
from coconet.benchmarks.results.intervals import Interval
from coconet.benchmarks.results.schema import Row
from coconet.config import Checked, check_fields
from coconet.errors import CoconetError, counted
from coconet.files import read_file, whole_file

SCHEMA: Literal[3] = 3
"""Version of the JSON's layout; it goes up whenever a reader would have to change."""

STEADY = 0.10
"""A machine whose yardstick spreads less than this counts as quiet."""


class BenchReport(Checked):
    """Everything one benchmark run found out. frames: what was fused. rule: when a model was measured enough."""

    schema_version: Literal[3] = SCHEMA
    made: str
    device: Device
    frames: str
    rule: str
    rows: tuple[Row, ...] = ()

    @property
    def sizes(self) -> list[str]:
        """Frame sizes in the order in which they were measured."""
        return list(dict.fromkeys(row.size for row in self.rows))

    @property
    def noise(self) -> float | None:
        """The spread of the yardstick over all rows; None before anything was timed."""
        samples = [sample for row in self.rows for sample in row.yardstick_ms]
        return spread(samples) if samples else None

    def noise_in_words(self) -> str:
        """Say how steady the machine was."""
        if self.noise is None:
            return "nothing was timed"
        kind = "quiet" if self.noise < STEADY else "noisy" if self.noise < 5 * STEADY else "very noisy"
        words = f"{kind} machine: a fixed job between turns spread by {self.noise:.0%} (p10 to p90 over median)"
        busy = self.device.busy
        return f"{words}; load {busy:.1f} a core before the start" if busy is not None else words

    def of_size(self, size: str) -> list[Row]:
        """The rows of one frame size."""
        return [row for row in self.rows if row.size == size]

    def to_json(self) -> str:
        """Write the report, a line a row's field; units are in the names."""
        return json.dumps(self.model_dump(mode="json"), indent=1)

    def write(self, path: Path) -> None:
        """Write JSON, whole or not at all."""
        with whole_file(path) as scratch:
            scratch.write_text(self.to_json() + "\n", encoding="utf-8")


def read_report(path: Path) -> BenchReport:
    """Read a report. Raises CoconetError for what is none, and for one of another schema."""
    text = read_file(path, "a report of coconet bench").decode(errors="replace")
    try:
        fields = json.loads(text)
        found = fields["schema_version"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CoconetError(
            path,
            wanted="a report of coconet bench --json",
            got="something else",
            remedy="Run the benchmark again.",
            says="is not a report that coconet bench --json wrote",
        ) from error
    if found != SCHEMA:
        raise CoconetError(
            path,
            wanted=f"a report of schema {SCHEMA}",
            got=f"schema {found}",
            remedy="Run the benchmark again, or read it with the version of coconet-edge that wrote it.",
            says=f"is a report of schema {found}, and this version reads schema {SCHEMA}",
        )
    return check_fields(BenchReport, fields, path)


def now_in_words() -> str:
    """The time in UTC, to a second."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")


def ratios(rows: Sequence[Row]) -> Iterator[Interval | None]:
    """Each row's latency over that of the first timed one, with its interval; None for that one and for untimed ones.

    All were measured in turns, so that the machine's wandering is in both. The bounds are those of `Versus`.
    """
    first = next((row for row in rows if row.latency), None)
    for row in rows:
        yield versus_in_turns(first, row).ratio if first and row.latency and row is not first else None


def bench_tables(report: BenchReport) -> Iterator[Table]:
    """One table a frame size for a terminal, one row a model."""
    for size in report.sizes:
        table = Table(title=f"{size}, {report.device.name}", title_justify="left", box=SIMPLE_HEAD, padding=0)
        table.add_column("model", no_wrap=True)
        table.add_column("", no_wrap=True)
        table.add_column("runs on", min_width=12)
        rows = report.of_size(size)
        streamed = any(row.stream for row in rows)
        for heading in ("p50 ms", "p99", "fps", "ratio", *(["file fps"] if streamed else []), "VIF", "PSNR"):
            table.add_column(heading, justify="right", no_wrap=True)
        for row, ratio in zip(rows, ratios(rows), strict=True):
            table.add_row(*_cells(row, ratio, streamed))
        yield table


def remarks(rows: Iterable[Row]) -> Iterator[str]:
    """What has to be said beside the figures: refused entries, and runs that were cut short."""
    for row in rows:
        if row.refused:
            yield f"{row.entry} at {row.size} was not timed: {row.refused}"
        elif not row.complete:
            timed = row.latency.frames if row.latency else 0
            yield f"{row.entry} at {row.size} was interrupted after {counted(timed, 'frame')}"


def p99_in_words(row: Row) -> str:
    """The p99, marked with `~` where there were too few frames to know its upper bound."""
    if row.latency is None:
        return "-"
    return f"{'' if row.latency.p99_interval else '~'}{row.latency.p99:.1f}"


def psnr_in_words(row: Row) -> str:
    """The PSNR against the reference entry, in dB."""
    quality = row.quality
    if quality is None or quality.reference is None:
        return "-"
    return "equal" if quality.equal or quality.psnr_db is None else f"{quality.psnr_db:.1f} dB"


def _cells(row: Row, ratio: Interval | None, streamed: bool) -> list[str]:
    head = [row.entry, row.precision or "", row.backend]
    if row.latency is None or row.fps is None:
        return [*head, "not timed"]
    return [
        *head,
        f"{row.latency.p50:.1f}",
        p99_in_words(row),
        f"{row.fps:.1f}",
        "1" if ratio is None else f"{ratio.value:.2f}",
        *([f"{row.stream.file_fps:.1f}" if row.stream else "-"] if streamed else []),
        f"{row.quality.VIF:.3f}" if row.quality else "-",
        psnr_in_words(row),
    ]
