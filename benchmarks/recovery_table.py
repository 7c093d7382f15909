"""Alignments recovered from known warps, as one table: how far off, and how many within two pixels."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rich.table import Table

GOOD_PX = 2.0


@dataclass(frozen=True)
class Recovery:
    """One warp of one scene, found again; distances are means over the picture, in pixels, infinite where refused.

    carried_px: from what is found without the warp, carried through it. error_px: from the warp itself, as if the data
    set were aligned without error. own_px: of what is found without a warp from the data set's alignment. given_share,
    own_share: of the patches that lie within three pixels under the data set's alignment and under ours, 0..1.
    """

    group: str
    scene: str
    kind: str = ""
    carried_px: float = float("inf")
    error_px: float = float("inf")
    own_px: float = float("inf")
    given_share: float = 0.0
    own_share: float = 0.0

    def fields(self) -> dict[str, str | float | None]:
        """Everything by name, for JSON, which knows no infinity: None stands for it."""
        known = dataclasses.asdict(self).items()
        return {name: None if isinstance(value, float) and np.isinf(value) else value for name, value in known}


def recovery_table(found: Sequence[Recovery]) -> Table:
    """Give a row for every group and kind of warp, and one for each group, in pixels; "raw" is about error_px."""
    table = Table(box=None, padding=(0, 1, 0, 0))
    for heading in ("group", "warp"):
        table.add_column(heading, no_wrap=True)
    for heading in ("warps", "refused", "median", "p90", f"< {GOOD_PX:g} px", "raw median", f"raw < {GOOD_PX:g} px"):
        table.add_column(heading, no_wrap=True, justify="right")
    for group in dict.fromkeys(recovery.group for recovery in found):
        of_group = [recovery for recovery in found if recovery.group == group]
        for kind in dict.fromkeys(recovery.kind for recovery in of_group):
            table.add_row(group, kind, *_cells([recovery for recovery in of_group if recovery.kind == kind]))
        table.add_row(group, "all", *_cells(of_group), end_section=True)
    return table


def told_data_sets(found: Sequence[Recovery]) -> list[str]:
    """Say, for each group, how far what is found without a warp is from the data set, and which has more patches."""
    lines = []
    for group in dict.fromkeys(recovery.group for recovery in found):
        scenes = list({recovery.scene: recovery for recovery in found if recovery.group == group}.values())
        given, own = (np.mean([getattr(scene, name) for scene in scenes]) for name in ("given_share", "own_share"))
        apart = _quantile(np.array([scene.own_px for scene in scenes]), 50)
        lines.append(
            f"{group}: {apart} px from the data set's alignment without a warp (median of {len(scenes)} scenes); "
            f"patches within 3 px of each other: {given:.0%} as the data set has it, {own:.0%} as found"
        )
    return lines


def _cells(found: Sequence[Recovery]) -> list[str]:
    carried = np.array([recovery.carried_px for recovery in found])
    errors = np.array([recovery.error_px for recovery in found])
    refused = int((~np.isfinite(errors)).sum())
    shown = [str(len(found)), str(refused), _quantile(carried, 50), _quantile(carried, 90), _near(carried)]
    return [*shown, _quantile(errors, 50), _near(errors)]


def _quantile(values: np.ndarray, percent: float) -> str:
    """Of the values that are known: what was refused has its own column."""
    known = values[np.isfinite(values)]
    return f"{np.percentile(known, percent):.2f}" if len(known) else "-"


def _near(values: np.ndarray) -> str:
    return f"{np.mean(values < GOOD_PX):.0%}"
