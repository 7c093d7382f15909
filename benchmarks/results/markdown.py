"""The report as a Markdown table, one for all devices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from coconet.benchmarks.results.intervals import Interval
from coconet.benchmarks.results.report import BenchReport, p99_in_words, psnr_in_words, ratios, remarks
from coconet.benchmarks.results.schema import Row

COLUMNS = (
    *("device", "size", "model", "precision", "runs on"),
    *("p50 ms", "p90", "p95", "p99", "max", "fps", "ratio"),
    *("load s", "memory MiB", "J/frame", "file fps", "dropped", "VIF", "PSNR"),
)

TEXT_COLUMNS = 5


def bench_markdown(reports: Sequence[BenchReport]) -> str:
    """All rows of all reports in one table, and below it what each device and its noise was."""
    rules = ["---"] * TEXT_COLUMNS + ["---:"] * (len(COLUMNS) - TEXT_COLUMNS)
    lines = [_line(COLUMNS), _line(rules)]
    for report in reports:
        for size in report.sizes:
            rows = report.of_size(size)
            lines += [
                _line(_cells(report, row, ratio)) for row, ratio in zip(rows, ratios(rows), strict=True) if row.latency
            ]
    return "\n".join([*lines, "", *(f"- {note}" for report in reports for note in _notes(report)), ""])


def _notes(report: BenchReport) -> Iterator[str]:
    device = report.device
    yield f"**{device.name}**: {report.made}, {device.system}, Python {device.python}, {', '.join(device.packages)}"
    yield f"{report.noise_in_words()}"
    yield f"frames: {report.frames}; {report.rule}"
    yield "p99 with ~: too few frames to bound it. Ratio: to the first row of the same device and size"
    yield from remarks(report.rows)


def _cells(report: BenchReport, row: Row, ratio: Interval | None) -> Iterator[str]:
    latency, startup, energy, stream = row.latency, row.startup, row.energy, row.stream
    yield from (report.device.name, row.size, row.entry, row.precision or "", row.backend)
    if latency is None:
        return
    yield from (f"{latency.p50:.1f}", f"{latency.p90:.1f}", f"{latency.p95:.1f}", p99_in_words(row))
    yield from (f"{latency.max:.1f}", f"{row.fps or 0:.1f}", "1" if ratio is None else f"{ratio.value:.2f}")
    yield f"{startup.load_ms / 1e3:.2f}" if startup else "-"
    yield f"{startup.host_mib:.0f}" if startup and startup.host_mib else "-"
    yield f"{energy.frame_j:.2f}" if energy and energy.frame_j is not None else "-"
    yield f"{stream.file_fps:.1f}" if stream else "-"
    yield f"{stream.dropped_share:.0%}" if stream else "-"
    yield f"{row.quality.VIF:.3f}" if row.quality else "-"
    yield psnr_in_words(row)


def _line(cells: Iterator[str] | Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"
