from __future__ import annotations

import numpy as np
import pytest

from coconet.benchmarks.studies.night.noise_gain import SIZE, noise_gain, noisy


def test_of_two_equally_noisy_sides_the_mean_has_seven_tenths_and_a_copy_all() -> None:
    visible, infrared = noisy(64, 4.0, 1), noisy(64, 4.0, 2)
    mean = np.rint((visible.astype(float) + infrared) / 2).astype(np.uint8)
    assert noise_gain(mean, visible, infrared) == pytest.approx(0.71, abs=0.01)
    assert noise_gain(visible, visible, noisy(64, 1.0, 2)) == 1.0


def test_a_noisy_picture_has_the_level_and_the_deviation_that_were_asked_for() -> None:
    picture = noisy(32, 2.0, 3)
    assert picture.shape == SIZE
    assert (picture.mean(), picture.std()) == pytest.approx((32.0, 2.0), abs=0.05)
