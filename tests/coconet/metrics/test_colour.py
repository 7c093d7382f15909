"""Colour scores: held against scikit-image, and pictures whose colours were changed by a known amount."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.color import rgb2lab
from skimage.metrics import structural_similarity

from coconet.errors import CoconetError
from coconet.media.pixels import Pixels, nearest_luma
from coconet.metrics.colour import ALIKE, COLOURED, score_colour, seen_alike

RNG = np.random.default_rng(4)


def coloured(height: int = 40, width: int = 48) -> Pixels:
    """Broad patches of colour, of middle brightness."""
    patches = RNG.integers(60, 200, (height // 8, width // 8, 3), np.uint8)
    return np.kron(patches, np.ones((8, 8, 1), np.uint8))


def polar(pixels: Pixels) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lightness, chroma and hue angle, by scikit-image."""
    lab = rgb2lab(pixels[:, :, ::-1])
    return lab[:, :, 0], np.hypot(lab[:, :, 1], lab[:, :, 2]), np.arctan2(lab[:, :, 2], lab[:, :, 1])


def test_a_picture_that_is_the_visible_one_keeps_every_colour() -> None:
    seen = coloured()
    scores = score_colour(seen, seen, nearest_luma(seen)[:, :, None])
    assert (scores.hue_deg, scores.chroma, scores.saturation) == (0, 1, 1)
    assert (scores.washed_out, scores.overdone) == (0, 0)
    assert 0.3 < scores.share < 1


def test_hue_chroma_and_saturation_are_those_of_scikit_image() -> None:
    seen = coloured()
    fused = np.clip(seen.astype(int) + 40, 0, 255).astype(np.uint8)
    scores = score_colour(fused, seen, nearest_luma(seen)[:, :, None])
    (light, chroma, hue), (light_after, chroma_after, hue_after) = polar(seen), polar(fused)
    where = np.zeros(light.shape, np.bool_)
    where[5:-5, 5:-5] = chroma[5:-5, 5:-5] >= COLOURED
    turned = np.degrees(np.abs(np.angle(np.exp(1j * (hue_after - hue)))))[where].mean()
    saturations = (chroma_after / light_after)[where], (chroma / light)[where]
    assert scores.hue_deg == pytest.approx(turned, abs=0.05)
    assert scores.chroma == pytest.approx(chroma_after[where].mean() / chroma[where].mean(), abs=0.005)
    assert scores.saturation == pytest.approx(saturations[0].mean() / saturations[1].mean(), abs=0.005)
    assert scores.washed_out == pytest.approx((saturations[0] / saturations[1] < 0.7).mean(), abs=0.02)
    assert scores.saturation < 0.9  # brighter, with the same differences of channels


def test_gray_is_all_washed_out_and_edges_of_colour_that_were_not_there_are_fringes() -> None:
    seen = np.full((40, 48, 3), (60, 90, 150), np.uint8)
    thermal = np.full((40, 48, 1), 30, np.uint8)
    gray = np.full_like(seen, 100)
    assert score_colour(gray, seen, thermal).washed_out == 1
    striped = seen.copy()
    striped[:, ::2] = (150, 90, 60)
    assert score_colour(seen, seen, thermal).fringes == 0
    assert score_colour(striped, seen, thermal).fringes > 20


def test_alike_is_what_has_the_same_structure_however_bright() -> None:
    scene = RNG.integers(0, 256, (40, 48, 1)).astype(np.uint8)
    dimmer = (scene // 2 + 100).astype(np.uint8)
    inside = np.s_[5:-5, 5:-5]
    assert seen_alike(scene, dimmer)[inside].all()
    assert not seen_alike(scene, 255 - scene).any()
    assert seen_alike(np.full_like(scene, 30), np.full_like(scene, 200))[inside].all()
    assert not seen_alike(scene, scene)[:5].any()


def test_the_structure_is_that_of_ssim() -> None:
    """Pictures of equal local means and deviations: there SSIM is its structure term, for twice the constant."""
    scene = RNG.integers(60, 200, (41, 41)).astype(np.uint8)
    noise = RNG.integers(-60, 61, (41, 41))
    other = np.clip(scene + noise, 0, 255).astype(np.uint8)
    words = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255, "full": True}
    _, full = structural_similarity(scene, other, K1=1e-9, **words)
    alike = seen_alike(scene[:, :, None], other[:, :, None])[5:-5, 5:-5]
    assert (full[5:-5, 5:-5][~alike] < ALIKE).all()  # SSIM is never above its structure term


def test_a_picture_without_colour_is_not_scored() -> None:
    gray = np.full((40, 48, 3), 90, np.uint8)
    scores = score_colour(gray, gray, gray[:, :, :1])
    assert scores.share == 0
    assert np.isnan(scores.hue_deg)


@pytest.mark.parametrize("shape", [(40, 48, 1), (40, 47, 3), (8, 48, 3)])
def test_pictures_that_cannot_be_compared_are_refused(shape: tuple[int, int, int]) -> None:
    fused = np.zeros(shape, np.uint8)
    seen = np.zeros((*shape[:2], 3), np.uint8) if shape[0] == 8 else np.zeros((40, 48, 3), np.uint8)
    with pytest.raises(CoconetError, match="colour of a fused picture needs fused and visible"):
        score_colour(fused, seen, seen[:, :, :1])
