"""The thermal front end."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from coconet.errors import CoconetError
from runtime.frame import Frame, RawPixels
from runtime.thermal import ThermalSettings, ThermalStretch


def counts(low: int, high: int) -> RawPixels:
    ramp: RawPixels = np.linspace(low, high, 1000).round().astype(np.uint16)
    return ramp.reshape(20, 50, 1)


@settings(deadline=None)
@given(arrays(np.uint16, (9, 11, 1), elements=st.integers(0, 65535)), st.floats(0, 20), st.floats(80, 100))
def test_the_stretch_is_linear_between_the_percentiles(pixels: RawPixels, low: float, high: float) -> None:
    frame = ThermalStretch(ThermalSettings(low, high)).apply(Frame(pixels, 0, 0))
    black, white = np.percentile(pixels, [low, high], method="inverted_cdf").astype(float)
    expected = np.clip((pixels - black) / max(white - black, 1), 0, 1) * 255
    assert frame.pixels.dtype == np.uint8
    assert np.abs(frame.pixels - expected).max() <= 0.5 + 1e-9


def test_eight_bit_pictures_pass_untouched() -> None:
    frame = Frame(np.arange(12, dtype=np.uint8).reshape(3, 4, 1), 5, 6, "a.png")
    assert ThermalStretch().apply(frame) is frame


def test_a_black_hot_picture_is_inverted() -> None:
    stretch = ThermalStretch(ThermalSettings(black_hot=True))
    frame = stretch.apply(Frame(np.array([[[0], [100], [255]]], np.uint8), 5, 6, "a.png"))
    assert frame.pixels.ravel().tolist() == [255, 155, 0]
    assert (frame.timestamp_ns, frame.index, frame.name) == (5, 6, "a.png")


def test_raw_black_hot_counts_are_stretched_and_inverted() -> None:
    white = ThermalStretch().apply(Frame(counts(7000, 8000), 0, 0))
    black = ThermalStretch(ThermalSettings(black_hot=True)).apply(Frame(counts(7000, 8000), 0, 0))
    assert np.array_equal(black.pixels, 255 - white.pixels)


@pytest.mark.parametrize("steps", [1, 10])
def test_the_limits_follow_a_step_as_a_first_order_low_pass_whatever_the_frame_rate(steps: int) -> None:
    """After one time constant 1 - 1/e of a step of the scene is taken up."""
    stretch = ThermalStretch(ThermalSettings(0, 100, time_constant_s=2))
    stretch.apply(Frame(counts(1000, 2000), 0, 0))
    for step in range(1, steps + 1):
        frame = stretch.apply(Frame(counts(1500, 2500), round(2e9 * step / steps), step))
    black, white = (limit + 500 * (1 - math.exp(-1)) for limit in (1000, 2000))
    expected = np.clip((counts(1500, 2500) - black) / (white - black), 0, 1) * 255
    assert np.abs(frame.pixels - expected).max() <= 0.5 + 1e-9


def test_a_uniform_picture_is_no_division_by_zero() -> None:
    frame = ThermalStretch().apply(Frame(np.full((4, 4, 1), 900, np.uint16), 0, 0))
    assert frame.pixels.max() == 0


def test_percentiles_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(CoconetError, match=r"wanted a low and a higher one between 0 and 100, got 99 and 1"):
        ThermalSettings(99, 1)
