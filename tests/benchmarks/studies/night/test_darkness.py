from __future__ import annotations

import numpy as np

from coconet.benchmarks.studies.night.darkness import STRENGTHS, Darkness


def flat(level: int) -> np.ndarray:
    return np.full((200, 200), level, np.uint8)


def test_a_level_follows_the_curve_and_the_infrared_side_is_darker() -> None:
    visible, infrared = Darkness(2.0, 0.5, infrared_gain=0.8, noise_levels=(0.0, 0.0)).of((flat(204), flat(204)), 0)
    assert np.unique(visible).tolist() == [round(255 * 0.5 * 0.8**2)]
    assert np.unique(infrared).tolist() == [round(255 * 0.4 * 0.8**2)]


def test_each_side_has_noise_of_its_own_which_the_seed_repeats() -> None:
    darkness, pair = Darkness(1.0, 1.0, infrared_gain=1.0, noise_levels=(2.0, 3.0)), (flat(100), flat(100))
    visible, infrared = darkness.of(pair, 4)
    assert abs(visible.std() - 2.0) < 0.1 > abs(infrared.std() - 3.0)
    assert abs(np.corrcoef(visible.ravel(), infrared.ravel())[0, 1]) < 0.02
    np.testing.assert_array_equal((visible, infrared), darkness.of(pair, 4))
    assert (visible != darkness.of(pair, 5)[0]).any()


def test_every_strength_is_darker_than_the_one_before() -> None:
    means = [darkness.of((flat(150), flat(150)), 0)[0].mean() for darkness in STRENGTHS.values()]
    assert means == sorted(means, reverse=True)
    assert 15 < means[-1] < means[0] < 75
