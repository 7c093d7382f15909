"""A steadiness report: a table for people and JSON for programs."""

from __future__ import annotations

import dataclasses
import json

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from benchmarks.steadiness import Change, Steadiness

SCHEMA = 1
"""Version of the JSON's layout; it goes up whenever a reader would have to change."""

RULE = "ratio: over the less steady camera, which has 1; pumping: the mean level of what is still"


def steadiness_json(found: Steadiness) -> str:
    """Everything, indented; units are in the names."""
    return json.dumps({"schema": SCHEMA, **dataclasses.asdict(found)}, indent=2)


def steadiness_table(found: Steadiness) -> Table:
    """One row for each camera and each model."""
    table = Table(
        title=f"{found.width_px} x {found.height_px}, {found.frames} frames, {found.steps} steps",
        caption=f"{found.still_share:.1%} of the pixels counted as still: {found.stillness}\n{RULE}",
        title_justify="left",
        caption_justify="left",
        box=SIMPLE_HEAD,
        padding=0,
    )
    table.add_column("video", overflow="fold")
    table.add_column("statistics")
    for heading in ("flicker", "ratio", "pumping", "ratio"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_row("visible camera", "", *_cells(found.visible))
    table.add_row("infrared camera", "", *_cells(found.infrared))
    for one in found.models:
        table.add_row(escape(one.model), one.normalization, *_cells(one.change))
    return table


def _cells(change: Change) -> list[str]:
    ratios = [f"{ratio:.2f}" if ratio is not None else "-" for ratio in (change.flicker_ratio, change.pumping_ratio)]
    return [f"{change.flicker_levels:.3f}", ratios[0], f"{change.pumping_levels:.3f}", ratios[1]]
