"""The thermal front end."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from coconet.errors import CoconetError
from coconet.media.pixels import RawPixels
from coconet.media.thermal_settings import Contrast, ThermalSettings
from coconet.runtime.frame import Frame
from coconet.runtime.preprocess.agc import ThermalStretch
from coconet.runtime.preprocess.dead_pixels import FRAMES_TO_TELL, DeadPixels


def counts(low: int, high: int) -> RawPixels:
    ramp: RawPixels = np.linspace(low, high, 1000).round().astype(np.uint16)
    return ramp.reshape(20, 50, 1)


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
    """After one time constant 1 - 1/e of a step of the scene is taken up; mirrored, as it is no new offset."""
    stretch = ThermalStretch(ThermalSettings(0, 100, time_constant_s=2))
    stretch.apply(Frame(counts(1000, 2000), 0, 0))
    for step in range(1, steps + 1):
        frame = stretch.apply(Frame(counts(2500, 1500), round(2e9 * step / steps), step))
    black, white = (limit + 500 * (1 - math.exp(-1)) for limit in (1000, 2000))
    expected = np.clip((counts(2500, 1500) - black) / (white - black), 0, 1) * 255
    assert np.abs(frame.pixels - expected).max() <= 0.5 + 1e-9


def test_a_uniform_picture_is_no_division_by_zero() -> None:
    frame = ThermalStretch().apply(Frame(np.full((4, 4, 1), 900, np.uint16), 0, 0))
    assert frame.pixels.max() == 0


def test_percentiles_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(CoconetError, match=r"must be a low and a higher one between 0 and 100, not 99(\.0)? and 1"):
        ThermalSettings(99, 1)


def scene(gain: float = 1.0, shift: float = 0.0, *, hot: bool = False, seed: int = 0) -> RawPixels:
    """A textured background around 7600 counts with sensor noise, and perhaps a hot object on a twentieth of it."""
    field = 7600 + 300 * np.sin(np.add.outer(np.arange(48) / 7, np.arange(64) / 5))
    field += np.random.default_rng(seed).normal(0, 4, field.shape)
    if hot:
        field[10:22, 20:33] = 12000
    pixels: RawPixels = np.rint(field * gain + shift).astype(np.uint16)[:, :, None]
    return pixels


def stretched(scenes: list[RawPixels], settings: ThermalSettings | None = None, fps: float = 25) -> list[np.ndarray]:
    stretch = ThermalStretch(settings)
    frames = [stretch.apply(Frame(pixels, round(index * 1e9 / fps), index)) for index, pixels in enumerate(scenes)]
    return [frame.pixels.astype(int) for frame in frames]


def steps(pictures: list[np.ndarray]) -> list[float]:
    """How far the mean of the background moves from frame to frame; the hot object is left out."""
    means = [float(picture[25:].mean()) for picture in pictures]
    return [abs(after - before) for before, after in pairwise(means)]


@pytest.mark.parametrize("contrast", ["linear", "plateau"])
def test_a_still_scene_with_noise_moves_by_less_than_a_level(contrast: Contrast) -> None:
    pictures = stretched([scene(seed=seed) for seed in range(20)], ThermalSettings(contrast=contrast))
    assert max(steps(pictures)) < 1.0


def test_a_hot_object_that_enters_moves_the_background_no_faster_than_the_low_pass_allows() -> None:
    pictures = stretched([scene(hot=index >= 5, seed=index) for index in range(40)])
    assert max(steps(pictures)) <= 255 * (1 - math.exp(-0.04 / 0.5))
    assert pictures[-1][25:].mean() < pictures[0][25:].mean() - 50  # in the end the limits have made room for it


@pytest.mark.parametrize(("gain", "shift"), [(3.0, 0.0), (0.4, 0.0), (1.0, 5000.0), (2.0, -6000.0)])
def test_a_gain_switch_or_a_new_offset_does_not_show(gain: float, shift: float) -> None:
    scenes = [scene(*((gain, shift) if index >= 5 else ()), seed=index) for index in range(12)]
    assert max(steps(stretched(scenes))) < 3.0


def test_the_shutter_moves_no_limit_and_the_picture_is_back_at_once() -> None:
    blank = [(7500 + scene(seed=seed) % 7).astype(np.uint16) for seed in range(8)]
    pictures = stretched([scene()] * 5 + blank + [scene(shift=400)] * 5)
    assert abs(pictures[13][25:].mean() - pictures[4][25:].mean()) < 3.0


def test_a_ramp_of_all_counts_comes_out_as_all_levels() -> None:
    ramp: RawPixels = np.arange(65536, dtype=np.uint16).reshape(256, 256, 1)
    picture = stretched([ramp], ThermalSettings(0, 100))[0]
    assert np.array_equal(np.unique(picture), np.arange(256))
    assert (np.diff(picture.ravel()) >= 0).all()


def test_a_plateau_gives_the_crowded_counts_more_levels_than_a_linear_stretch() -> None:
    pictures = {
        name: stretched([scene(hot=True)] * 3, ThermalSettings(0, 100, contrast=name)) for name in ("linear", "plateau")
    }
    spread = {name: np.ptp(pictures[name][-1][25:]) for name in pictures}
    assert spread["plateau"] > 2 * spread["linear"]


def test_clahe_raises_local_contrast() -> None:
    plain, equalised = (stretched([scene(hot=True)], ThermalSettings(contrast=name))[0] for name in ("linear", "clahe"))
    assert equalised[25:].std() > 1.3 * plain[25:].std()


def test_dead_pixels_are_mended_and_the_scene_is_left_alone() -> None:
    dead = [(5, 5), (30, 40), (47, 63)]
    repairer, repaired = DeadPixels(), scene()
    for seed in range(FRAMES_TO_TELL + 1):
        pixels = scene(seed=seed)
        for row, column in dead:
            pixels[row, column] = 16000
        repaired = repairer.repair(pixels)
    assert repairer.count == 3
    assert all(abs(int(repaired[row, column, 0]) - int(scene()[row, column, 0])) < 60 for row, column in dead)
    untouched = np.ones(pixels.shape, bool)
    untouched[tuple(zip(*dead, strict=True))] = False
    assert np.array_equal(repaired[untouched], pixels[untouched])


def test_dead_pixels_are_learnt_anew_when_pictures_change_their_size() -> None:
    repairer, whole = DeadPixels(), scene()
    whole[40, 60] = 16000
    for _ in range(FRAMES_TO_TELL):
        repairer.repair(whole)
    part = scene()[:24, :32]
    assert np.array_equal(repairer.repair(part), part)
    part[3, 4] = 16000
    for _ in range(FRAMES_TO_TELL):
        repairer.repair(part)
    assert repairer.flat.tolist() == [3 * 32 + 4]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"time_constant_s": 0}, "agc_time_constant_s must be 0.001 to 3600 s"),
        ({"contrast": "vivid"}, "contrast must be linear or plateau or clahe, not 'vivid'"),
        ({"plateau_percent": 0}, "plateau_percent must be above 0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(CoconetError, match=told):
        ThermalSettings(**settings)
