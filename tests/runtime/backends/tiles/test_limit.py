"""Tile limits: what is asked for, or what the free memory wants."""

from __future__ import annotations

import pytest

from coconet.cards.tiling import Tiling
from coconet.errors import Refused
from coconet.runtime.backends.tiles.limit import PART_PX, TileLimit

SMALL = Tiling(8, 100)


def test_a_picture_within_a_quarter_of_the_free_memory_stays_whole() -> None:
    assert TileLimit().part_px(SMALL, 10**7, lambda: 4 * 10**9) is None
    assert TileLimit().part_px(SMALL, 10**7 + 1, lambda: 4 * 10**9) == PART_PX


def test_with_little_memory_parts_are_smaller() -> None:
    assert TileLimit().part_px(SMALL, 10**7, lambda: 4 * 10**7) == 10**5


def test_what_is_asked_for_is_done_whatever_is_free() -> None:
    assert TileLimit(5000).part_px(SMALL, 10**4, lambda: 10**12) == 5000
    assert TileLimit(5000).part_px(SMALL, 5000, lambda: 1) is None
    assert TileLimit(0).part_px(SMALL, 10**9, lambda: 1) is None


def test_a_system_that_does_not_say_what_is_free_fuses_whole_pictures() -> None:
    assert TileLimit().part_px(SMALL, 10**9, lambda: None) is None


def test_a_limit_below_0_is_refused() -> None:
    with pytest.raises(Refused, match="0 or more"):
        TileLimit(-1)
