"""Tile plans: every pixel is kept once, from a part that reaches far enough around it."""

from __future__ import annotations

import numpy as np
import pytest

from coconet.runtime.backends.tiles.plan import cut_out, padding, plan_of, reflected

SIZES = [(301, 407), (99, 533), (240, 320), (107, 98), (1000, 40), (160, 161)]


@pytest.mark.parametrize("multiple", [1, 8])
@pytest.mark.parametrize("size_px", SIZES)
def test_every_pixel_is_kept_once_and_comes_from_its_own_place(size_px: tuple[int, int], multiple: int) -> None:
    plan = plan_of(size_px, 9, multiple, 10_000)
    assert plan is not None
    assert len(plan) > 1
    picture = np.arange(size_px[0] * size_px[1]).reshape(*size_px, 1)
    found, times = np.full_like(picture, -1), np.zeros_like(picture)
    for row, column in plan:
        part = cut_out(picture, row, column)
        assert part.shape == (plan.height_px, plan.width_px, 1)
        found[row.place, column.place] = part[row.within, column.within]
        times[row.place, column.place] += 1
    assert np.array_equal(found, picture)
    assert (times == 1).all()


@pytest.mark.parametrize("multiple", [1, 8])
@pytest.mark.parametrize("size_px", SIZES)
def test_a_part_ends_beyond_the_overlap_or_with_the_padded_picture(size_px: tuple[int, int], multiple: int) -> None:
    plan = plan_of(size_px, 9, multiple, 10_000)
    assert plan is not None
    for cuts, size in ((plan.rows, size_px[0]), (plan.columns, size_px[1])):
        padded, _ = padding(size, multiple)
        for cut in cuts:
            assert cut.begin % multiple == 0
            assert cut.begin == 0 or cut.kept_from - cut.begin >= 9
            assert cut.end == padded or cut.end - cut.kept_to >= 9


def test_parts_have_the_pixels_they_may_have_at_most_and_waste_little() -> None:
    plan = plan_of((6000, 8192), 45, 8, 1 << 21)
    assert plan is not None
    assert plan.height_px * plan.width_px <= 1 << 21
    assert len(plan) * plan.height_px * plan.width_px <= 1.25 * 6000 * 8192


def test_parts_that_would_be_overlap_alone_are_none() -> None:
    assert plan_of((300, 400), 45, 8, 90 * 90) is None


def test_a_picture_that_is_one_part_is_one_part() -> None:
    plan = plan_of((300, 400), 45, 8, 304 * 400)
    assert plan is not None
    assert (len(plan), plan.height_px, plan.width_px) == (1, 304, 400)


def test_reflection_is_that_of_numpy() -> None:
    wanted = np.pad(np.arange(11), (3, 4), "reflect")
    assert np.array_equal(reflected(np.arange(-3, 15), 11), wanted)
