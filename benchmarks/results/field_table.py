"""The field table: its rows as CSV, as Markdown, and as one page with a plot of quality against time."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import astuple
from importlib.resources import files
from pathlib import Path

from coconet.benchmarks.results.plots import field_plot
from coconet.benchmarks.studies.field import FieldRow, precisions_shown
from coconet.benchmarks.studies.field_frames import DAY, NIGHT
from coconet.cards.precision import PRECISIONS, REFERENCE, PrecisionName
from coconet.errors import MissingPackage
from coconet.metrics.fusion import METRICS
from coconet.metrics.variants import Variant

try:
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup
except ImportError as error:
    raise MissingPackage("jinja2", job="the page of a benchmark", extra="bench") from error


PARTS = (DAY, NIGHT)


def write_field_csv(path: Path, rows: Sequence[FieldRow], variant: Variant) -> None:
    """One line an entry in full precision; what is not known is empty."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        scores = [f"{part}_{metric.name}" for part in PARTS for metric in METRICS]
        times = [f"{precision}_{unit}" for precision in PRECISIONS for unit in ("ms", "ratio")]
        writer.writerow(
            ("name", "kind", "variant", "parameters", "graph_bytes", *scores, *times, "flicker_ratio", "notes")
        )
        for row in rows:
            found = [value for part in PARTS for value in _scores(row, part)]
            spent = [value for precision in PRECISIONS for value in _pace(row, precision)]
            graph, flicker = ("" if value is None else value for value in (row.graph_bytes, row.flicker))
            entry = row.entry
            notes = "; ".join(row.notes)
            writer.writerow(
                (entry.name, entry.kind, variant.name, entry.parameters, graph, *found, *spent, flicker, notes)
            )


def field_markdown(rows: Sequence[FieldRow]) -> str:
    """Two tables, by day and by night, of what was found there; one of times alone where nothing has scores.

    The notes of the rows stand below.
    """
    heads = _heads(rows)
    tables = [f"{title}:\n\n{_markdown(heads, lines)}" for title, lines in _tables(rows)]
    notes = "\n".join(f"- {row.entry.name}: {note}" for row in rows for note in row.notes)
    return "\n\n".join([*tables, *([notes] if notes else [])])


def field_page(rows: Sequence[FieldRow], variant: Variant, told: Sequence[str]) -> str:
    """One self-contained page: a plot, then the tables. told: sentences on how and on what it was measured."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = (files("coconet.benchmarks.results") / "field.html.jinja").read_text(encoding="utf-8")
    return environment.from_string(template).render(
        plot=Markup(field_plot(_points(rows))) if _points(rows) else "",  # noqa: S704  # our own drawing
        told=told,
        variant=variant.note,
        heads=_heads(rows),
        tables=_tables(rows),
        notes=[(row.entry.name, note) for row in rows for note in row.notes],
    )


def _points(rows: Sequence[FieldRow]) -> list[tuple[str, str, float, float]]:
    """Name, kind, work in FP32 as a multiple of the yardstick's, and VIF, the mean of day and night."""
    return [
        (row.entry.name, row.entry.kind, row.paces[REFERENCE].ratio, sum(vif) / len(vif))
        for row in rows
        if REFERENCE in row.paces and (vif := [scores.VIF for scores in row.quality.values()])
    ]


def _tables(rows: Sequence[FieldRow]) -> list[tuple[str, list[list[str]]]]:
    """A title and the cells of a table for each part of the day; of times where nothing has scores."""
    parts = [part for part in PARTS if any(part in row.quality for row in rows)]
    titles = {part: f"By {part}" for part in parts} or {"": "Times"}
    return [(title, [_cells(rows, row, part) for row in rows]) for part, title in titles.items()]


def _markdown(heads: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rule = "|" + " --- |" * len(heads)
    head, *others = ("| " + " | ".join(cells) + " |" for cells in (heads, *lines))
    return "\n".join([head, rule, *others])


def _heads(rows: Sequence[FieldRow]) -> list[str]:
    times = [
        f"{PRECISIONS[precision].label}, {unit}" for precision in precisions_shown(rows) for unit in ("ms", "ratio")
    ]
    return ["", "parameters", "MB", *times, "flicker", *(metric.name for metric in METRICS)]


def _cells(rows: Sequence[FieldRow], row: FieldRow, part: str) -> list[str]:
    spent = (row.paces.get(precision) for precision in precisions_shown(rows))
    times = [
        _number(value, "#.3g") for pace in spent for value in ((None, None) if pace is None else (pace.ms, pace.ratio))
    ]
    scores = row.quality.get(part)
    quality = [_number(None if scores is None else getattr(scores, metric.name), metric.form) for metric in METRICS]
    size = _number(None if row.graph_bytes is None else row.graph_bytes / 1e6, ".2f")
    return [row.entry.name, f"{row.entry.parameters:,}", size, *times, _number(row.flicker, ".2f"), *quality]


def _scores(row: FieldRow, part: str) -> Iterator[float | str]:
    scores = row.quality.get(part)
    yield from ("" for _ in METRICS) if scores is None else astuple(scores)


def _pace(row: FieldRow, precision: PrecisionName) -> tuple[float | str, float | str]:
    pace = row.paces.get(precision)
    return ("", "") if pace is None else (pace.ms, pace.ratio)


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form).rstrip(".")
