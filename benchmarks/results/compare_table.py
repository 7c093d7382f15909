"""Two reports side by side: a table of their common lines, and what has to be said before believing it."""

from __future__ import annotations

from collections.abc import Iterator

from rich.box import SIMPLE_HEAD
from rich.table import Table

from coconet.benchmarks.results.compare import CONFIDENCE, MARGIN, matches
from coconet.benchmarks.results.report import BenchReport
from coconet.errors import CoconetError, counted


def versus_lines(first: BenchReport, second: BenchReport) -> Iterator[Table | str]:
    """A table with a verdict a line, and remarks. Raises CoconetError for reports that share no line."""
    shared = list(matches(first.rows, second.rows))
    if not shared:
        raise CoconetError(
            "reports",
            wanted="two that measured the same model at the same size",
            got=f"{len(first.rows)} and {counted(len(second.rows), 'row')}, none of them in both",
            remedy="Run the benchmark with the same models and sizes for both.",
            says="have no model and size in common",
        )
    table = Table(title=f"B over A, {CONFIDENCE:.0%} intervals", title_justify="left", box=SIMPLE_HEAD)
    table.add_column("model", no_wrap=True)
    table.add_column("size", no_wrap=True)
    for heading in ("A p50 ms", "B p50 ms", "ratio"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("verdict", overflow="fold")
    for match in shared:
        medians = [f"{row.latency.p50:.1f}" for row in (match.first, match.second) if row.latency]
        ratio = f"{match.versus.ratio.value:.3f}"
        table.add_row(match.first.entry, match.first.size, *medians, ratio, str(match.versus))
    yield table
    yield f"A: {first.noise_in_words()}"
    yield f"B: {second.noise_in_words()}"
    yield f"A change under {MARGIN:.0%} counts as none. Two runs at two times see two machines: for small differences,"
    yield "name both models in one run, which measures them in turns."
    yield from _unlike(first, second)


def _unlike(first: BenchReport, second: BenchReport) -> Iterator[str]:
    """What differs beside the models."""
    mine, other = first.device, second.device
    for what in ("processor", "cores", "gpus", "jetpack", "power_mode", "governor"):
        a, b = getattr(mine, what), getattr(other, what)
        if a != b:
            yield f"unlike {what.replace('_', ' ')}: {a} in A, {b} in B"
    gone = sorted(set(mine.packages) ^ set(other.packages))
    if gone:
        yield f"unlike packages: {', '.join(gone)}"
    if first.frames != second.frames:
        yield f"unlike frames: {first.frames} in A, {second.frames} in B"
