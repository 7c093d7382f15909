"""Error maps and the panel of the worst frame."""

from __future__ import annotations

import numpy as np
import pytest

from coconet.media.panel import BAND_PX, GAP_PX
from coconet.media.pixels import Pixels
from coconet.runtime.verify.error_map import error_map, error_panel
from coconet.runtime.verify.parity import ModelPictures
from tests.support.media.frames import pair_of


def flat(level: int, channels: int = 3) -> Pixels:
    return np.full((20, 150, channels), level, np.uint8)


@pytest.mark.parametrize(("levels", "factor"), [(0, 64), (1, 64), (4, 63), (10, 25), (128, 1), (255, 1)])
def test_errors_are_amplified_as_far_as_they_fit_into_8_bit(levels: int, factor: int) -> None:
    found = error_map(flat(0), flat(levels))
    assert (found.factor, found.max_abs_error) == (factor, levels)
    assert found.factor * levels <= 255


def test_equal_pictures_are_near_black_and_the_largest_error_is_the_brightest() -> None:
    candidate = flat(100)
    candidate[3, 5, 1], candidate[4, 6, 2] = 60, 120
    brightness = error_map(flat(100), candidate).pixels.sum(axis=2)
    assert brightness[0, 0] < 10
    assert np.unravel_index(brightness.argmax(), brightness.shape) == (3, 5)
    assert brightness[0, 0] < brightness[4, 6] < brightness[3, 5]


@pytest.mark.parametrize("channels", [1, 3])
def test_the_panel_shows_both_frames_both_answers_and_the_errors(channels: int) -> None:
    pair = pair_of(flat(10, channels), flat(20, 1))
    panel = error_panel(ModelPictures(pair, flat(30, channels), flat(40, channels)), ("A", "B"))
    assert panel.shape == (20 + BAND_PX, 5 * 150 + 4 * GAP_PX, 3)
    middles = [panel[-1, 75 + column * (150 + GAP_PX), 0] for column in range(4)]
    assert middles == [20, 10, 30, 40]
