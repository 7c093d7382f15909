from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from coconet.training.conditions import Conditions

Frames = NDArray[np.float32]


def frames(seed: int = 0) -> Frames:
    """A crop and the frame after it, which differs in one corner."""
    crop = np.random.default_rng(seed).integers(0, 256, (2, 64, 64)).astype(np.float32) / 255.0
    crop[1] = crop[0]
    crop[1, :8, :8] = 1.0 - crop[0, :8, :8]
    return crop


def drawn(conditions: Conditions, count: int = 60) -> list[tuple[Frames, Frames]]:
    rng = np.random.default_rng(5)
    return [conditions.of(frames(), frames(1), rng) for _ in range(count)]


ALL = Conditions(night=1.0, cameras=1.0)


def test_the_same_generator_draws_the_same_conditions() -> None:
    for one, other in zip(drawn(ALL, 8), drawn(ALL, 8), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("conditions", [Conditions(), ALL], ids=["exposure alone", "all"])
def test_whatever_is_drawn_gives_pictures_of_whole_levels(conditions: Conditions) -> None:
    for side in np.concatenate([np.stack(pair) for pair in drawn(conditions)]):
        assert side.dtype == np.float32
        assert 0.0 <= side.min() <= side.max() <= 1.0
        np.testing.assert_allclose(side * 255.0, np.rint(side * 255.0), atol=1e-4)


def test_both_frames_are_seen_alike_so_that_what_stands_still_stands_still() -> None:
    for pair in drawn(Conditions(night=1.0)):
        for side in pair:
            np.testing.assert_array_equal(side[0, 8:, 8:], side[1, 8:, 8:])


def test_patterns_and_noise_do_not_move_between_the_frames() -> None:
    """Compression is of each frame; far from what moved the two are coded alike."""
    for pair in drawn(ALL):
        for side in pair:
            np.testing.assert_array_equal(side[0, 16:, 16:], side[1, 16:, 16:])


def test_a_night_is_dark_on_both_sides() -> None:
    by_day = np.mean([np.stack(pair).mean(axis=(1, 2, 3)) for pair in drawn(Conditions())], axis=0)
    by_night = np.mean([np.stack(pair).mean(axis=(1, 2, 3)) for pair in drawn(Conditions(night=1.0))], axis=0)
    assert (by_night < 0.5 * by_day).all()


def test_no_night_and_no_camera_leave_about_half_of_the_crops_as_they_are() -> None:
    kept = [np.allclose(visible, frames(), atol=1e-6) for visible, _ in drawn(Conditions(), 200)]
    assert 0.35 < np.mean(kept) < 0.65


def test_cameras_reach_down_to_a_few_levels_of_range_and_up_to_all_of_it() -> None:
    ranges = [np.ptp(side) * 255.0 for pair in drawn(Conditions(cameras=0.5), 100) for side in pair]
    assert min(ranges) < 70.0
    assert max(ranges) > 250.0
