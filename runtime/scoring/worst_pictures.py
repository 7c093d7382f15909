"""The pictures of each entry that kept least of the edges of their sources, as a page shows them."""

from __future__ import annotations

from coconet.media.pixels import Pixels
from coconet.metrics.scoreboard import Row
from coconet.runtime.frame import FramePair

MOST = 3
"""Of each entry; no more are held, however long a video is."""

Scored = tuple[Row, FramePair, Pixels]
"""A row, the pair it is of, and the fused picture, (H, W, C) uint8."""


class WorstPictures:
    """Keeps those of the lowest Qabf, the metric with fixed ends: 0 for no edge kept and 1 for all of them."""

    def __init__(self) -> None:
        self._kept: dict[str, list[Scored]] = {}

    def look_at(self, scored: Scored) -> None:
        """Keep the next picture if it is among the worst of its entry; of equal ones the first stay."""
        kept = [*self._kept.get(scored[0].entry, ()), scored]
        self._kept[scored[0].entry] = sorted(kept, key=lambda one: one[0].scores.Qabf)[:MOST]

    def of(self, entry: str) -> list[Scored]:
        """The worst of an entry, the worst first."""
        return self._kept.get(entry, [])
