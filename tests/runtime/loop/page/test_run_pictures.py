"""Which frames of a run its page shows, however long the run was."""

from __future__ import annotations

import numpy as np
import pytest

from coconet.runtime.frame import Frame, FramePair, FusedFrame
from coconet.runtime.loop.page.run_pictures import MOST_KEPT, RunPictures


def fused(number: int) -> FusedFrame:
    visible = Frame(np.full((24, 32, 3), number % 256, np.uint8), 40_000_000 * number, number)
    infrared = Frame(np.full((24, 32, 1), 100, np.uint8), 40_000_000 * number + 5_000_000, number)
    return FusedFrame(np.full((24, 32, 3), 200, np.uint8), FramePair(visible, infrared), 1.0)


def shown(count: int) -> list[int]:
    pictures = RunPictures()
    for number in range(count):
        pictures(fused(number))
    return [one.index for one in pictures.choose()]


@pytest.mark.parametrize(("count", "indices"), [(0, []), (1, [0]), (2, [0, 1]), (3, [0, 1, 2]), (9, [0, 4, 8])])
def test_a_short_run_shows_its_first_middle_and_last_frame(count: int, indices: list[int]) -> None:
    assert shown(count) == indices


@pytest.mark.parametrize("count", [10, 100, 257, 1000])
def test_the_middle_of_a_long_run_is_within_a_frame_that_is_kept(count: int) -> None:
    first, middle, last = shown(count)
    assert (first, last) == (0, count - 1)
    assert abs(middle - last / 2) <= count / MOST_KEPT


def test_a_frame_says_when_it_was_taken_and_how_far_its_stamps_are_apart() -> None:
    pictures = RunPictures()
    for number in range(26):
        pictures(fused(number))
    last = pictures.choose()[-1]
    assert (last.seconds, last.skew_ms, last.missing) == (1.0, 5.0, ())
    assert [last.sheet[-1, column].tolist() for column in (0, 36, 72)] == [[100] * 3, [25] * 3, [200] * 3]
