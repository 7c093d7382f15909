"""The plots of the page, as SVG text: every latency, quality against speed, layers, and the machine's own noise."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from coconet.benchmarks.results.report import BenchReport
from coconet.benchmarks.results.schema import Row
from coconet.cards.precision import PRECISIONS, REFERENCE
from coconet.errors import MissingPackage

try:
    from matplotlib import rc_context
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
except ImportError as error:
    raise MissingPackage("matplotlib", job="the page of a benchmark", extra="bench") from error


INK, PALE, GRID = "#1d2733", "#6b7785", "#e3e7ec"

COLOURS = ("#0b6e8f", "#c8553d", "#5b8c3a", "#8a5fa8", "#b8860b", "#3f4e8c")
"""One a network; told apart by people who see few colours, and in gray print with the labels."""

STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "coconet",
    "font.size": 9.0,
    "text.color": INK,
    "axes.edgecolor": PALE,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": PALE,
    "ytick.color": PALE,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.major.size": 3.0,
    "ytick.major.size": 0.0,
}

WIDTH_IN = 7.2

ROW_IN = 0.34


def latency_plot(rows: Sequence[Row], networks: Sequence[str]) -> str:
    """Every timed frame of every row as a dot on a logarithmic axis, the median as a bar, the p99 as a tick."""
    with rc_context(STYLE):
        figure, axes = _figure(ROW_IN * len(rows) + 0.75)
        random = np.random.default_rng(0)
        for place, row in enumerate(rows):
            _latency_row(axes, place, row, colour_of(row.network, networks), random)
        axes.set_xscale("log")
        _time_axis(axes, "latency of a frame, ms")
        axes.set_yticks(range(len(rows)), [f"{row.entry}  {_precision(row)}" for row in rows])
        axes.set_ylim(len(rows) - 0.4, -0.6)
        return _svg(figure)


def pareto_plot(rows: Sequence[tuple[str, Row]], networks: Sequence[str]) -> str:
    """VIF over the median latency of (label, row); the line joins those that no other beats in both."""
    with rc_context(STYLE):
        figure, axes = _figure(3.1)
        points = [(row.latency.p50, row.quality.VIF) for _, row in rows if row.latency and row.quality]
        front = pareto_front(points)
        axes.plot(*zip(*front, strict=True), color=GRID, linewidth=5, solid_capstyle="round", zorder=1)
        for (_, row), (x, y) in zip(rows, points, strict=True):
            axes.plot(
                *(x, y, PRECISIONS[row.precision or REFERENCE].marker),
                color=colour_of(row.network, networks),
                markersize=7,
                markeredgecolor="white",
            )
        axes.set_xscale("log")
        axes.margins(0.12, 0.22)
        _time_axis(axes, "median latency of a frame, ms (left is faster)")
        axes.set_ylabel("VIF (up is better)")
        _label_points(axes, [label for label, _ in rows], points)
        return _svg(figure)


def field_plot(points: Sequence[tuple[str, str, float, float]]) -> str:
    """VIF over the time of a frame of (label, kind, time, VIF), a colour a kind; the line as in pareto_plot.

    The time is a multiple of the yardstick's.
    """
    kinds = list(dict.fromkeys(kind for _, kind, _, _ in points))
    with rc_context(STYLE):
        figure, axes = _figure(4.2)
        places = [(ratio, vif) for _, _, ratio, vif in points]
        axes.plot(*zip(*pareto_front(places), strict=True), color=GRID, linewidth=5, solid_capstyle="round", zorder=1)
        for kind in kinds:
            mine = [(x, y) for _, one, x, y in points if one == kind]
            axes.plot(*zip(*mine, strict=True), "o", color=colour_of(kind, kinds), markeredgecolor="white", label=kind)
        axes.legend(frameon=False, loc="lower right")
        axes.set_xscale("log")
        axes.margins(0.12, 0.22)
        _time_axis(axes, "ratio: work of a frame in FP32, as a multiple of the yardstick (left is less)")
        axes.set_ylabel("VIF (up is better)")
        _label_points(axes, [label for label, *_ in points], places)
        return _svg(figure)


def pareto_front(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Of (cost, value) those that no other point beats in one and equals in the other, cheapest first."""
    front: list[tuple[float, float]] = []
    for cost, value in sorted(points, key=lambda point: (point[0], -point[1])):
        if not front or value > front[-1][1]:
            front.append((cost, value))
    return front


def noise_plot(report: BenchReport) -> str:
    """The yardstick over the run, as a multiple of its median: a steady machine is a flat line."""
    samples = np.array([sample for row in report.rows for sample in row.yardstick_ms])
    with rc_context(STYLE):
        figure, axes = _figure(1.25)
        axes.plot(samples / np.median(samples), color=COLOURS[0], linewidth=0.8)
        axes.axhline(1, color=PALE, linewidth=0.5)
        axes.set_ylim(0, max(2.0, float((samples / np.median(samples)).max()) * 1.05))
        axes.set_ylabel("times\nits median")
        axes.set_xlabel("turn")
        axes.grid(axis="y", color=GRID, linewidth=0.6)
        return _svg(figure)


def layer_plot(row: Row, networks: Sequence[str]) -> str:
    """The slowest nodes of a profiled row, as shares of the frame."""
    with rc_context(STYLE):
        figure, axes = _figure(0.22 * len(row.layers) + 0.55)
        names = [f"{_short(layer.name)}  {layer.operator}" for layer in row.layers]
        shares = [100 * layer.share for layer in row.layers]
        bars = axes.barh(range(len(shares)), shares, height=0.62, color=colour_of(row.network, networks))
        axes.bar_label(bars, [f"{layer.time_ms:.1f} ms" for layer in row.layers], padding=4, color=PALE, fontsize=8)
        axes.set_yticks(range(len(names)), names, fontsize=8)
        axes.invert_yaxis()
        axes.margins(0.12, 0.02)
        axes.set_xlabel("share of the frame, %")
        return _svg(figure)


def colour_of(network: str, networks: Sequence[str]) -> str:
    """The colour of a network, the same in every plot."""
    return COLOURS[networks.index(network) % len(COLOURS)] if network in networks else PALE


def _latency_row(axes: Axes, place: int, row: Row, colour: str, random: np.random.Generator) -> None:
    if row.latency is None:
        return
    samples = np.concatenate([np.asarray(turn) for turn in row.turns_ms])
    spread = random.uniform(-0.24, 0.24, len(samples))
    axes.scatter(samples, place + spread, s=5, color=colour, alpha=0.35, linewidths=0)
    axes.plot([row.latency.p50] * 2, [place - 0.36, place + 0.36], color=INK, linewidth=1.8, solid_capstyle="butt")
    axes.plot([row.latency.p99] * 2, [place - 0.22, place + 0.22], color=INK, linewidth=0.8)
    axes.annotate(
        _rounded(row.latency.p50), (row.latency.p50, place - 0.36), (0, 1), textcoords="offset points", **_SMALL
    )


_SMALL: dict[str, Any] = {"fontsize": 7.5, "ha": "center", "va": "bottom", "color": INK}


def _time_axis(axes: Axes, label: str) -> None:
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(which="minor", size=0)
    axes.grid(axis="x", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_xlabel(label)


def _label_points(axes: Axes, labels: Sequence[str], points: Sequence[tuple[float, float]]) -> None:
    """Write each label over its point or under it, where no other label or point is."""
    dots = axes.figure.dpi / 72
    placed = [tuple(axes.transData.transform(point)) for point in points]
    for index in sorted(range(len(points)), key=lambda index: points[index]):
        x, y = axes.transData.transform(points[index])
        steps = [step for step in _STEPS if all(abs(x - px) > 70 or abs(y + step - py) > 13 for px, py in placed)]
        step = steps[0] if steps else _STEPS[0]
        placed.append((x, y + step))
        where = (0, step / dots)
        axes.annotate(
            labels[index], points[index], where, textcoords="offset points", ha="center", va="center", fontsize=8
        )


_STEPS = (17, -17, 32, -32, 47, -47)
"""How far above its point a label may be, in dots, the nearest first."""


def _figure(height_in: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(WIDTH_IN, height_in), layout="constrained")
    return figure, figure.add_subplot()


def _svg(figure: Figure) -> str:
    """The drawing without what belongs to a file of its own."""
    stream = io.StringIO()
    figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = stream.getvalue()
    return text[text.index("<svg") :]


def _rounded(time_ms: float) -> str:
    return f"{time_ms:.0f}" if time_ms >= 100 else f"{time_ms:.3g}"


def _precision(row: Row) -> str:
    return PRECISIONS[row.precision].label if row.precision else ""


def _short(name: str, most: int = 38) -> str:
    return name if len(name) <= most else f"…{name[-most + 1 :]}"
