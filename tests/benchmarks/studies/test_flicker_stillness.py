"""What counts as still."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from coconet.benchmarks.studies.flicker import Stillness

NOTHING = np.zeros((40, 50), np.float32)


def noise(levels: float, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, levels, NOTHING.shape).astype(np.float32)


def test_the_mask_is_a_threshold_on_the_change_smoothed_by_a_gaussian() -> None:
    changes = [20 * noise(1, 1), 20 * noise(1, 2)]
    smoothed = [np.abs(gaussian_filter(change, 2.0, mode="mirror")) for change in changes]
    agreeing = Stillness().mask(*changes) == (np.maximum(*smoothed) < 2.0)
    assert agreeing.mean() > 0.995  # the two cut their windows at different lengths


@pytest.mark.parametrize("moving_camera", [0, 1])
def test_a_thing_that_one_camera_sees_move_is_not_still(moving_camera: int) -> None:
    changes = [NOTHING.copy(), NOTHING.copy()]
    changes[moving_camera][10:20, 10:20] = 30
    still = Stillness().mask(*changes)
    assert not still[10:20, 10:20].any()
    assert still[30:, 30:].all()


def test_sensor_noise_is_still_although_single_pixels_change_by_more_than_the_threshold() -> None:
    change = noise(4.2, 3)  # two frames with noise of 3 levels each
    assert (np.abs(change) > 2).mean() > 0.5
    assert Stillness().mask(change, NOTHING).mean() > 0.99


def test_brightness_that_jumps_everywhere_leaves_nothing_still() -> None:
    assert not Stillness().mask(NOTHING + 2, NOTHING).any()
    assert Stillness().mask(NOTHING + 1.9, NOTHING - 1.9).all()


def test_it_says_its_rule_with_units() -> None:
    words = str(Stillness(threshold_levels=3, sigma_px=1.5))
    assert words == "change below 3 levels in both cameras, smoothed by a Gaussian of 1.5 px"
