"""Guided filter, saliency on two scales and gradient transfer, against their definitions worked out one by one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from coconet.model_names import Rule
from coconet.runtime.backends.rules.baseline import BaselineBackend
from coconet.runtime.backends.rules.gradient_transfer import energy, transfer_gradients
from coconet.runtime.backends.rules.two_scale import fuse_guided, fuse_salient, guided_filter
from tests.support.media.textured import textured

Plane = NDArray[np.float32]
Fusion = Callable[[Plane, Plane], Plane]
CLASSICAL: tuple[Rule, ...] = ("guided-filter", "two-scale", "gradient-transfer")


def plane(seed: int, height: int = 24, width: int = 31) -> Plane:
    return textured(seed, height, width).astype(np.float32)


@pytest.mark.parametrize("fuse", [fuse_guided, fuse_salient, transfer_gradients])
def test_a_picture_fused_with_itself_comes_back(fuse: Fusion) -> None:
    np.testing.assert_allclose(fuse(plane(0), plane(0)), plane(0), atol=1e-3)


@pytest.mark.parametrize("rule", CLASSICAL)
@pytest.mark.parametrize("size", [(1, 1), (5, 3), (37, 50)])
def test_any_size_and_colour_fuse(rule: Rule, size: tuple[int, int]) -> None:
    random = np.random.default_rng(0)
    visible = random.integers(0, 256, (*size, 3), np.uint8)
    fused = BaselineBackend(rule).fuse(visible, random.integers(0, 256, (*size, 1), np.uint8))
    assert fused.shape == visible.shape


def test_the_guided_filter_is_the_mean_of_the_regressions_of_its_windows() -> None:
    guide, picture = (plane(seed, 9, 11) / np.float32(255) for seed in (0, 1))
    radius, blur = 2, 0.01
    lines = np.zeros((9, 11, 2))
    for y in range(9):
        for x in range(11):
            window = np.s_[max(0, y - radius) : y + radius + 1, max(0, x - radius) : x + radius + 1]
            inside, wanted = guide[window].ravel().astype(float), picture[window].ravel().astype(float)
            # Ridge regression: blur times the slope squared, for every pixel, beside the squared error.
            rows = np.stack([inside - inside.mean(), np.full(inside.size, np.sqrt(blur))])
            slope = (rows[0] @ (wanted - wanted.mean())) / (rows[0] @ rows[0] + rows[1] @ rows[1])
            lines[y, x] = slope, wanted.mean() - slope * inside.mean()
    for y, x in ((0, 0), (4, 5), (8, 10), (3, 0)):
        window = np.s_[max(0, y - radius) : y + radius + 1, max(0, x - radius) : x + radius + 1]
        slope, offset = lines[window].reshape(-1, 2).mean(axis=0)
        assert guided_filter(picture, guide, radius, blur)[y, x] == pytest.approx(
            slope * guide[y, x] + offset, abs=1e-5
        )


def test_a_flat_picture_gives_no_detail_and_half_of_what_is_coarse() -> None:
    flat, fine = np.full((60, 60), 40, np.float32), np.full((60, 60), 120, np.float32)
    fine[30, 20:40] += 60
    fused = fuse_salient(flat, fine)
    assert fused[5, 5] == pytest.approx(80)
    assert fused[30, 30] - fused[30, 10] > 50  # the line is the other's alone, and whole
    guided = fuse_guided(flat, fine)
    assert guided[30, 30] - guided[33, 30] > 40


def test_the_more_salient_detail_wins_whichever_picture_has_it() -> None:
    assert np.allclose(fuse_salient(plane(0), plane(1)), fuse_salient(plane(1), plane(0)), atol=1e-3)


def test_gradient_transfer_shifts_a_picture_to_the_brightness_of_the_other() -> None:
    # With equal edges and a constant difference, the answer is the infrared picture, exactly.
    np.testing.assert_allclose(transfer_gradients(plane(0), plane(0) + 30), plane(0) + 30, atol=1e-3)


def test_a_small_spot_of_the_infrared_picture_is_given_up_and_a_large_one_is_kept() -> None:
    # A disc stays where its area is worth its edge: area > 4 times the edge, a radius above 8 (Chan and Esedoglu).
    y, x = np.mgrid[:96, :96] - 48
    for radius, kept in ((4, False), (30, True)):
        infrared = np.where(np.hypot(y, x) <= radius, 200, 50).astype(np.float32)
        fused = transfer_gradients(np.full((96, 96), 50, np.float32), infrared, rounds=600)
        assert (fused[48, 48] > 150) == kept


def test_the_energy_is_that_of_the_minimum_and_nearly_so_after_the_rounds_of_a_frame() -> None:
    y, x = np.mgrid[:48, :64].astype(np.float32)
    visible = 60 + 20 * np.sin(x / 3) + 15 * np.cos(y / 2)
    infrared = np.where(np.hypot(y - 24, x - 32) < 14, 220, 40 + x / 4).astype(np.float32)
    found = transfer_gradients(visible, infrared, rounds=3000)
    least = energy(found, visible, infrared)
    for other in (visible, infrared, (visible + infrared) / 2, found + 1, found - 1):
        for share in (0.01, 0.1, 1.0):  # a convex energy grows from its minimum in every direction
            assert energy((1 - share) * found + share * other, visible, infrared) > 0.9999 * least
    assert energy(transfer_gradients(visible, infrared), visible, infrared) < 1.1 * least
