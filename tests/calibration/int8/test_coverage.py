"""Coverage: what frames are called, by closed forms, and which sets are refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coconet.calibration.int8.coverage import Coverage, FrameStatistics
from coconet.errors import CoconetError
from coconet.runtime.frame import FramePair
from tests.support.media.frames import pair_of

RAMP = np.tile(np.linspace(0, 1, 40), (30, 1))


def pair(visible: np.ndarray, infrared: np.ndarray) -> FramePair:
    return pair_of(visible.astype(np.uint8), infrared.astype(np.uint8))


def ramp(low: float, high: float) -> np.ndarray:
    return low + (high - low) * RAMP


def noise(channels: int = 1) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (30, 40, channels))


@pytest.mark.parametrize(("low", "high", "dark", "bright"), [(0, 155, True, False), (0, 165, False, False)])
def test_a_visible_picture_with_a_mean_below_80_is_dark(low: int, high: int, dark: bool, bright: bool) -> None:
    traits = FrameStatistics.of(pair(ramp(low, high), ramp(0, 200)))
    assert (traits.dark, traits.bright) == (dark, bright)


@pytest.mark.parametrize(("low", "bright"), [(60, False), (75, True)])
def test_a_visible_picture_with_a_mean_above_160_is_bright(low: int, bright: bool) -> None:
    assert FrameStatistics.of(pair(ramp(low, 255), ramp(0, 200))).bright == bright


@pytest.mark.parametrize(("level", "hot"), [(119, False), (121, True)])
def test_a_picture_is_hot_where_two_hundredths_of_it_lie_100_levels_above_the_rest(level: int, hot: bool) -> None:
    infrared = np.full((30, 40), 20)
    infrared[:4, :6] = level
    assert FrameStatistics.of(pair(ramp(0, 200), infrared)).hot == hot


def test_a_pair_is_flat_where_both_pictures_are() -> None:
    assert FrameStatistics.of(pair(ramp(90, 120), ramp(100, 130))).flat
    assert not FrameStatistics.of(pair(ramp(90, 120), ramp(0, 255))).flat


def test_noise_on_either_side_is_noisy_and_a_ramp_is_not() -> None:
    assert FrameStatistics.of(pair(noise(3), ramp(0, 255))).noisy
    assert FrameStatistics.of(pair(ramp(0, 255), noise())).noisy
    assert not FrameStatistics.of(pair(ramp(0, 255), ramp(0, 255))).noisy


@given(st.integers(0, 255), st.integers(0, 255))
def test_pictures_of_one_level_are_flat_and_not_noisy(visible: int, infrared: int) -> None:
    traits = FrameStatistics.of(pair(np.full((4, 6), visible), np.full((4, 6), infrared)))
    assert (traits.flat, traits.noisy, traits.swapped) == (True, False, False)


def test_colours_on_the_infrared_side_alone_are_swapped() -> None:
    colour = np.stack([ramp(0, 255), ramp(255, 0), ramp(0, 99)], axis=2)
    gray = np.repeat(ramp(0, 255)[:, :, None], 3, axis=2)
    assert FrameStatistics.of(pair(gray, colour)).swapped
    assert not FrameStatistics.of(pair(colour, gray)).swapped
    assert not FrameStatistics.of(pair(colour, colour)).swapped


def test_the_line_counts_the_frames() -> None:
    coverage = Coverage(
        [FrameStatistics.of(pair(ramp(0, 100), ramp(0, 255))), FrameStatistics.of(pair(ramp(90, 99), ramp(90, 99)))]
    )
    assert str(coverage) == "frames: 2 (1 dark, 0 bright, 1 hot, 1 flat)"


@pytest.mark.parametrize(
    ("bad", "text"),
    [
        (pair(noise(), noise()), "cam has nothing but noise in 2 of its 3 frames. Use frames of a scene"),
        (pair(ramp(9, 9), ramp(9, 9)), "has pictures with nothing to see in 2 of its 3 frames. Take the lens caps off"),
        (pair(ramp(0, 255), np.stack([ramp(0, 255), ramp(255, 0), ramp(0, 9)], axis=2)), "swap the two sides"),
    ],
)
def test_a_set_that_is_mostly_no_pictures_is_refused(bad: FramePair, text: str) -> None:
    good = FrameStatistics.of(pair(ramp(0, 255), ramp(0, 255)))
    with pytest.raises(CoconetError, match=text):
        Coverage([good, FrameStatistics.of(bad), FrameStatistics.of(bad)]).require("cam")
    Coverage([good, good, FrameStatistics.of(bad)]).require("cam")
