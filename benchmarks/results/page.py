"""The page: reports as one self-contained HTML file with plots, which reads well on paper too."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files

from coconet.benchmarks.results.intervals import Interval
from coconet.benchmarks.results.plots import colour_of, latency_plot, layer_plot, noise_plot, pareto_plot
from coconet.benchmarks.results.report import BenchReport, p99_in_words, psnr_in_words, ratios, remarks
from coconet.benchmarks.results.schema import Row
from coconet.cards.precision import PRECISIONS
from coconet.errors import MissingPackage, counted
from coconet.metrics.fusion import VARIANT, VERIFIED

try:
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup
except ImportError as error:
    raise MissingPackage("jinja2", job="the page of a benchmark", extra="bench") from error


SENSED = ("upload ms", "execute ms", "download ms", "GPU MiB", "W", "J/frame", "MHz", "°C", "throttled")
"""Columns that only a backend or a device that tells them has."""

STAGES = ("upload", "execute", "download")

DASH = "–"  # noqa: RUF001  # an empty cell of a printed table


@dataclass(frozen=True)
class Line:
    """One row of a table, as text; colour: that of its network in the plots."""

    row: Row
    colour: str
    ratio: str
    between: str
    cells: dict[str, str]


@dataclass(frozen=True)
class Panel:
    """One frame size of one device: its latency plot and its table."""

    size: str
    plot: Markup
    lines: list[Line]


@dataclass(frozen=True)
class Section:
    """One device: its panels, where the time goes, and how steady it was."""

    report: BenchReport
    panels: list[Panel]
    layers: list[tuple[Row, Markup]]
    sensed: list[str]
    noise: Markup | None
    remarks: list[str]
    facts: list[tuple[str, str]]


def bench_page(reports: Sequence[BenchReport]) -> str:
    """Write the page of at least one report. It loads nothing from anywhere."""
    networks = list(dict.fromkeys(row.network for report in reports for row in report.rows if row.network))
    template = (files("coconet.benchmarks.results") / "page.html.jinja").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(template).render(
        reports=reports,
        sections=[_section(report, networks) for report in reports],
        paretos=list(_paretos(reports, networks)),
        networks=[(network, colour_of(network, networks)) for network in networks],
        variant=VARIANT,
        metrics=[metric.name for metric in VERIFIED],
        precisions=list(PRECISIONS.values()),
        dash=DASH,
    )


def _section(report: BenchReport, networks: Sequence[str]) -> Section:
    timed = [row for row in report.rows if row.latency]
    panels = []
    for size in report.sizes:
        rows = [row for row in report.of_size(size) if row.latency]
        if rows:
            lines = [_line(row, ratio, networks) for row, ratio in zip(rows, ratios(rows), strict=True)]
            panels.append(Panel(size, Markup(latency_plot(rows, networks)), lines))  # noqa: S704  # our own drawing
    # The first entry at the largest size stands for the others: a page of bars would not be read.
    profiled = [row for row in timed if row.layers and row.size == timed[-1].size] or [r for r in timed if r.layers]
    cells = [line.cells for panel in panels for line in panel.lines]
    return Section(
        report=report,
        sensed=[name for name in SENSED if any(one[name] != DASH for one in cells)],
        panels=panels,
        layers=[(row, Markup(layer_plot(row, networks))) for row in profiled[:1]],  # noqa: S704
        noise=Markup(noise_plot(report)) if timed else None,  # noqa: S704
        remarks=list(remarks(report.rows)),
        facts=list(_facts(report)),
    )


def _paretos(reports: Sequence[BenchReport], networks: Sequence[str]) -> Iterator[tuple[str, Markup]]:
    """One plot, of the largest frame size that most rows have a quality at, of all devices."""
    known = [(report, row) for report in reports for row in report.rows if row.latency and row.quality]
    if not known:
        return
    sizes = [row.size for _, row in known]
    size = max(dict.fromkeys(sizes), key=lambda one: (sizes.count(one), sizes.index(one)))
    shown = [(report, row) for report, row in known if row.size == size]
    several = len(reports) > 1
    labels = [f"{row.entry} {report.device.name}" if several else row.entry for report, row in shown]
    rows = [row for _, row in shown]
    yield size, Markup(pareto_plot(list(zip(labels, rows, strict=True)), networks))  # noqa: S704  # our own drawing


def _line(row: Row, ratio: Interval | None, networks: Sequence[str]) -> Line:
    between = f"{ratio.low:.2f}{DASH}{ratio.high:.2f}" if ratio and math.isfinite(ratio.high) else ""
    return Line(row, colour_of(row.network, networks), f"{ratio.value:.2f}" if ratio else "1", between, _cells(row))


def _cells(row: Row) -> dict[str, str]:
    latency, startup, energy, stream, quality = row.latency, row.startup, row.energy, row.stream, row.quality
    cells = dict.fromkeys(("load", "first", "memory", *SENSED), DASH)
    if latency:
        cells |= {name: f"{getattr(latency, name):.1f}" for name in ("p50", "p90", "p95", "max")}
        cells["jitter"] = _number(latency.jitter, ".1f")
        cells |= {"p99": p99_in_words(row), "frames": str(latency.frames), "fps": f"{row.fps or 0:.1f}"}
    if startup:
        cells |= {"load": f"{startup.load_ms / 1e3:.2f}", "first": f"{startup.first_frame_ms:.0f}"}
        cells |= {"memory": _number(startup.host_mib, ".0f"), "GPU MiB": _number(startup.device_mib, ".0f")}
    if energy:
        cells |= {"W": _number(energy.mean_w, ".1f"), "J/frame": _number(energy.frame_j, ".2f")}
        cells |= {"MHz": _number(energy.clock_mhz, ".0f"), "°C": _number(energy.hottest_c, ".0f")}
        cells["throttled"] = {None: DASH, True: "yes", False: "no"}[energy.throttled]
    if row.stages:
        cells |= {f"{stage} ms": f"{getattr(row.stages, f'{stage}_ms'):.2f}" for stage in STAGES}
    if stream:
        cells |= {"file_fps": f"{stream.file_fps:.1f}", "dropped": f"{stream.dropped_share:.0%}"}
        cells |= {"live_fps": f"{stream.live_fps:.1f}", "skew": f"{stream.skew_ms.p95:.1f}"}
        cells["live_p95"] = f"{stream.latency_ms.p95:.0f}"
    if quality:
        cells |= {metric.name: format(getattr(quality, metric.name), metric.form) for metric in VERIFIED}
    return cells | {"psnr": psnr_in_words(row).replace("-", DASH)}


def _facts(report: BenchReport) -> Iterator[tuple[str, str]]:
    device = report.device
    memory = f"{device.memory_gib:g} GiB" if device.memory_gib else None
    asked = {
        "processor": f"{device.processor}, {counted(device.cores, 'core')}",
        "memory": memory,
        "board": device.board,
        "GPU": "; ".join(device.gpus) or None,
        "JetPack": device.jetpack,
        "CUDA": device.cuda,
        "power mode": device.power_mode,
        "governor": device.governor,
        "system": f"{device.system}, Python {device.python}",
        "packages": ", ".join(device.packages),
        "sensors": next((row.energy.source for row in report.rows if row.energy), None),
    }
    yield from ((name, value) for name, value in asked.items() if value)


def _number(value: float | None, form: str) -> str:
    return DASH if value is None else format(value, form)
