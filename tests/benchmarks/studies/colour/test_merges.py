"""Merges of luma and colour: the first is that of fusion by rules, the others keep what they say."""

from __future__ import annotations

import numpy as np
import pytest

from coconet.benchmarks.studies.colour.merges import MERGES, hold_saturation, keep_chroma, within_range
from coconet.media.pixels import luma
from coconet.runtime.backends.rules.baseline import add_luma

RNG = np.random.default_rng(8)
SEEN = RNG.integers(0, 256, (24, 32, 3), np.uint8)
LUMA = RNG.integers(0, 256, (24, 32)).astype(np.float32)


def test_the_first_merge_is_what_a_rule_does() -> None:
    assert np.array_equal(keep_chroma(SEEN, LUMA), add_luma(SEEN, (LUMA - luma(SEEN))[:, :, None]))


@pytest.mark.parametrize("name", list(MERGES))
def test_every_merge_leaves_a_picture_alone_whose_luma_does_not_change(name: str) -> None:
    assert np.abs(MERGES[name](SEEN, luma(SEEN)).astype(int) - SEEN).max() <= 1


@pytest.mark.parametrize("name", [name for name in MERGES if "clipped" not in name and name != "chroma kept"])
def test_what_stays_within_range_has_the_luma_it_was_to_have(name: str) -> None:
    assert np.abs(luma(MERGES[name](SEEN, LUMA)) - LUMA).max() <= 0.6


def test_the_ratio_keeps_the_ratios_of_channels() -> None:
    seen = np.full((4, 4, 3), (48, 80, 112), np.uint8)
    dimmer = hold_saturation(1, 1 / 2, 2)(seen, luma(seen) * 0.75)
    assert np.abs(dimmer / seen - 0.75).max() < 0.06  # steadied by 16 levels, which bring the ratio nearer to 1
    assert within_range(seen, luma(seen) * 0.75)[0, 0].max() > dimmer[0, 0].max()
