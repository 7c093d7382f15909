"""One luma for everything, its weights and OpenCV's conversion written in one file; and gray as colour."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from coconet.cards.model_card import LUMA_RULE
from coconet.media.luma_weights import BGR_WEIGHTS
from coconet.media.pixels import RawPixels, as_bgr, as_gray, luma, nearest_luma

ROOT = Path(__file__).resolve().parents[3]
PARTS = ("coconet", "runtime", "export", "calibration", "benchmarks")
COLOURS = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)
WANTED = COLOURS @ np.array([0.114, 0.587, 0.299])


def test_luma_is_the_weighted_sum_and_rounds_to_the_nearest_level() -> None:
    np.testing.assert_allclose(luma(COLOURS), WANTED, atol=1e-4)
    assert np.abs(nearest_luma(COLOURS) - WANTED).max() <= 0.5001
    assert nearest_luma(COLOURS).dtype == np.uint8


def test_the_gray_of_cameras_is_opencv_s_and_seldom_another_level() -> None:
    gray = as_gray(COLOURS)
    assert gray.shape == (300, 400, 1)
    np.testing.assert_array_equal(gray[:, :, 0], cv2.cvtColor(COLOURS, cv2.COLOR_BGR2GRAY))
    apart = np.abs(gray[:, :, 0].astype(int) - nearest_luma(COLOURS))
    assert apart.max() == 1
    assert 1 / apart.mean() == pytest.approx(700, rel=0.2)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_gray_pictures_stay_as_they_are(dtype: type) -> None:
    picture: RawPixels = np.arange(12, dtype=dtype).reshape(3, 4, 1)
    assert as_gray(picture) is picture
    np.testing.assert_array_equal(luma(picture), picture[:, :, 0])


def test_deep_colour_keeps_its_depth() -> None:
    deep = COLOURS.astype(np.uint16) * 257
    assert as_gray(deep).dtype == np.uint16
    assert np.abs(as_gray(deep)[:, :, 0] - WANTED * 257).max() <= 2


def test_the_card_states_the_weights_that_are_used() -> None:
    blue, green, red = BGR_WEIGHTS
    assert LUMA_RULE.startswith(f"Y = {red} R + {green} G + {blue} B is fused")


@pytest.mark.parametrize(
    ("words", "name"),
    [(("BGR2GRAY", "RGB2GRAY", "BGR2Y"), "pixels.py"), (("0.587",), "luma_weights.py")],
    ids=["OpenCV", "weights"],
)
def test_no_other_file_weighs_colours(words: tuple[str, ...], name: str) -> None:
    sources = [path for part in PARTS for path in (ROOT / part).rglob("*.py")]
    found = {path for path in sources if any(word in path.read_text() for word in words)}
    assert found == {ROOT / "coconet" / "media" / name}


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_gray_in_three_channels_is_gray_thrice(dtype: type) -> None:
    gray: RawPixels = np.random.default_rng(3).integers(0, 200, (5, 7, 1)).astype(dtype)
    for pixels in (gray, gray[::-1, ::2], gray[:1, :1]):
        assert np.array_equal(as_bgr(pixels), np.repeat(pixels, 3, axis=2))
        assert as_bgr(pixels).dtype == dtype
    colour = np.repeat(gray, 3, axis=2)
    assert as_bgr(colour) is colour
