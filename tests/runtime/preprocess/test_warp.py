"""How the thermal picture lies on the visible one."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coconet.errors import CoconetError
from coconet.runtime.preprocess.warp import Alignment, Lens, Plane, source_points

PICTURE = np.random.default_rng(0).integers(0, 256, (30, 40, 1), dtype=np.uint8)


def test_the_identity_between_equal_sizes_copies_nothing() -> None:
    assert Alignment().warp(PICTURE, (40, 30)) is PICTURE


def test_the_identity_between_unequal_sizes_is_refused() -> None:
    with pytest.raises(
        CoconetError, match=r"40x30 on 80x60 visible pixels, and no alignment is known\. Find \[alignment\] homography"
    ):
        Alignment().warp(PICTURE, (80, 60))


def test_a_shift_moves_every_pixel_and_leaves_black_behind() -> None:
    shift = Alignment(((1.0, 0.0, 3.0), (0.0, 1.0, 2.0), (0.0, 0.0, 1.0)))
    warped = shift.warp(PICTURE, (40, 30))
    assert np.array_equal(warped[2:, 3:], PICTURE[:-2, :-3])
    assert not warped[:2].any()
    assert not warped[:, :3].any()


def test_a_scale_brings_a_small_picture_to_the_size_of_the_visible_one() -> None:
    double = Alignment(((2.0, 0.0, 0.0), (0.0, 2.0, 0.0), (0.0, 0.0, 1.0)))
    warped = double.warp(PICTURE, (80, 60))
    assert warped.shape == (60, 80, 1)
    assert np.array_equal(warped[::2, ::2], PICTURE)


def test_a_projection_agrees_with_its_formula() -> None:
    matrix = ((0.9, 0.05, 2.0), (-0.04, 1.1, 1.0), (0.001, 0.0005, 1.0))
    smooth = np.add.outer(3 * np.arange(30), 2 * np.arange(40))[:, :, None].astype(np.uint8)
    warped = Alignment(matrix).warp(smooth, (40, 30))
    x, y, scale = np.linalg.inv(matrix) @ (20, 15, 1)  # where the pixel (20, 15) of the visible picture comes from
    assert abs(float(warped[15, 20, 0]) - (3 * y + 2 * x) / scale) <= 1


def test_a_warp_is_that_of_the_fixed_point_form_of_opencv_to_a_level() -> None:
    matrix = ((1.37, 0.05, 2.0), (-0.04, 1.61, 1.0), (0.001, 0.0005, 1.0))
    points = source_points(Alignment(matrix), (60, 50))
    exact, fraction = cv2.convertMaps(points[:, :, 0], points[:, :, 1], cv2.CV_16SC2)
    wanted = cv2.remap(PICTURE, exact, fraction, cv2.INTER_LINEAR).astype(int)
    assert np.abs(Alignment(matrix).warp(PICTURE, (60, 50))[:, :, 0] - wanted).max() <= 1


def test_a_homography_found_for_another_size_is_refused() -> None:
    with pytest.raises(
        CoconetError, match=r"found for visible pictures of 640x480, and these are 40x30\. Align the rig again"
    ):
        Alignment(size_px=(640, 480)).warp(PICTURE, (40, 30))


BENT = Alignment(
    ((1.1, 0.05, 4.0), (-0.03, 1.2, 3.0), (0.0002, 0.0001, 1.0)),
    (120, 90),
    Lens((100.0, 100.0), (39.5, 29.5), (-0.1, 0.02, 0.001, 0.0, 0.0)),
    Lens((150.0, 150.0), (60.0, 45.0), (0.05, 0.0, 0.0, 0.0, 0.0)),
    Plane((20.0, 6.0), 20.0, 5.0),
    (80, 60),
)


def test_an_alignment_follows_pictures_that_are_only_scaled() -> None:
    half = BENT.for_sizes((40, 30), (60, 45))
    assert half is not None
    both = source_points(BENT, (120, 90)), source_points(half, (60, 45))
    means = both[0].reshape(45, 2, 60, 2, 2).mean(axis=(1, 3))  # the middle of four pixels is that of one half as fine
    assert np.abs((means + 0.5) / 2 - 0.5 - both[1]).max() < 0.01


@pytest.mark.parametrize(("infrared", "visible"), [((80, 45), (120, 90)), ((80, 60), (160, 90)), ((60, 80), (120, 90))])
def test_an_alignment_does_not_stretch(infrared: tuple[int, int], visible: tuple[int, int]) -> None:
    assert BENT.for_sizes(infrared, visible) is None


def test_an_alignment_of_unknown_sizes_takes_those_at_hand() -> None:
    shift = Alignment(((1.0, 0.0, 3.0), (0.0, 1.0, 2.0), (0.0, 0.0, 1.0)))
    assert shift.for_sizes((40, 30), (80, 50)) is shift


@pytest.mark.parametrize("entry", [0.0, float("nan")])
def test_a_matrix_that_cannot_be_inverted_is_refused(entry: float) -> None:
    with pytest.raises(CoconetError, match="three finite numbers up to .* that can be inverted"):
        Alignment(((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, entry)))


EXTREMES = [-1e7, -1e3, -1.0, -1e-3, 0.0, 1e-3, 1.0, 1e3, 1e7]


@settings(max_examples=60)
@given(st.lists(st.sampled_from(EXTREMES), min_size=22, max_size=22), st.sampled_from([0.1, 50.0, 1e7]))
def test_every_geometry_that_is_let_in_gives_a_picture(numbers: list[float], focal_px: float) -> None:
    a, b, c, d, e, f, g, h, i, *more = numbers
    if abs(np.linalg.det(((a, b, c), (d, e, f), (g, h, i)))) < 1e-12:
        return
    lens = Lens((focal_px, focal_px), (more[0], more[1]), (more[2], more[3], more[4], more[5], more[6]))
    plane = Plane((more[7], more[8]), 0.01, 1e6)
    geometry = Alignment(((a, b, c), (d, e, f), (g, h, i)), None, lens, lens, plane)
    warped = geometry.warp(np.full((12, 16, 1), 200, np.uint8), (20, 14))
    assert warped.shape == (14, 20, 1)
    assert warped.dtype == np.uint8
    assert np.isfinite(source_points(geometry, (20, 14))).all()
