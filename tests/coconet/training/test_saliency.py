from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from coconet.media.image import read_gray
from coconet.training.data import salient_mask


def test_a_hot_figure_on_a_cool_ground_is_marked_and_nothing_else() -> None:
    scene = np.random.default_rng(0).integers(60, 80, (120, 160), np.uint8)
    scene[40:60, 70:80] = 220
    mask = salient_mask(scene)
    assert set(np.unique(mask)) == {0, 255}
    assert (mask[41:59, 71:79] == 255).all()
    assert mask.sum() / 255 == pytest.approx(200, abs=60)


def test_it_is_two_deviations_above_the_mean_of_the_smoothed_picture() -> None:
    scene = np.random.default_rng(1).integers(0, 256, (50, 60), np.uint8)
    smooth = ndimage.gaussian_filter(scene.astype(float), 1.0, mode="mirror", truncate=4.0)
    wanted = smooth > smooth.mean() + 2 * smooth.std()
    assert np.mean(wanted != (salient_mask(scene) == 255)) < 0.002


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_flat_picture_has_no_target(level: int) -> None:
    assert salient_mask(np.full((40, 50), level, np.uint8)).max() == 0


@pytest.mark.data
def test_it_finds_about_half_of_what_people_drew(data: Path) -> None:
    overlaps, found = [], []
    for drawn in sorted((data / "tno" / "mask").glob("*.png")):
        wanted, mask = read_gray(drawn) > 127, salient_mask(read_gray(data / "tno" / "ir" / drawn.name)) > 127
        overlaps.append((wanted & mask).sum() / (wanted | mask).sum())
        found.append((wanted & mask).sum() / wanted.sum())
    assert np.mean(overlaps) > 0.3
    assert np.mean(found) > 0.5
