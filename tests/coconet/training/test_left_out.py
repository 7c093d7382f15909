"""Pairs that are left out of a training are told by the reason, with a few names and their number."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from coconet.errors import CoconetError
from coconet.reading import UNSAID
from coconet.training.data import EVERYTHING, load_pairs
from coconet.training.left_out import LeftOut
from tests.support.media.pair_folders import write_pair


def test_a_line_names_three_pairs_and_counts_the_others() -> None:
    left_out = LeftOut()
    for name in "abcde":
        left_out.add("not readable", name)
    left_out.add("of unequal sizes", "f")
    assert left_out.lines() == [
        "left out, not readable: 5 pairs: a, b, c and 2 more",
        "left out, of unequal sizes: 1 pair: f",
    ]


def picture(seed: int, width: int = 80) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    return np.random.default_rng(seed).integers(0, 256, (70, width), np.uint8)


def test_unreadable_unequal_and_repeated_pairs_are_left_out_and_the_others_stay(tmp_path: Path) -> None:
    write_pair(tmp_path, "a.png", picture(0), picture(1))
    write_pair(tmp_path, "again.png", picture(0), picture(1))
    write_pair(tmp_path, "same_day.png", picture(0), picture(2))
    write_pair(tmp_path, "uneven.png", picture(3), picture(4, 90))
    write_pair(tmp_path, "damaged.png", picture(5), picture(6))
    damaged = tmp_path / "ir" / "damaged.png"
    damaged.write_bytes(damaged.read_bytes()[:80])
    left_out = LeftOut()
    pairs = load_pairs([tmp_path], UNSAID, EVERYTHING, left_out)
    assert [pair.name for pair in pairs] == ["a", "same_day"]
    assert left_out.lines() == [
        "left out, not readable: 1 pair: damaged.png",
        "left out, of unequal sizes: 1 pair: uneven.png",
        "left out, the same pictures as another pair: 1 pair: again",
    ]


def test_a_folder_of_which_nothing_is_left_is_refused_with_the_reason(tmp_path: Path) -> None:
    write_pair(tmp_path, "uneven.png", picture(3), picture(4, 90))
    with pytest.raises(CoconetError, match=r"uneven\.png.*80x70.*90x70"):
        load_pairs([tmp_path], UNSAID, EVERYTHING, LeftOut())
