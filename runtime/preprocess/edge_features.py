"""The directions of edges, whichever side of them is brighter: what pictures of unlike cameras have in common.

The similarity is that of gradient directions (Haber and Modersitzki, Intensity Gradient Based Registration and Fusion
of Multi-modal Images, 2006).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coconet.errors import MissingPackage

try:
    import cv2
except ImportError as error:
    raise MissingPackage("cv2", job="aligning cameras", extra="headless") from error


def vertex(line: NDArray[Any], index: int) -> float:
    """Where the maximum at `index` of a line of samples lies, to a part of a step; `index` itself at either end."""
    if not 0 < index < len(line) - 1:
        return float(index)
    before, here, after = (float(line[index + step]) for step in (-1, 0, 1))
    bend = before - 2 * here + after
    return index + (0.5 * (before - after) / bend if bend < 0 else 0.0)


Plane = NDArray[np.float32]

Field = NDArray[np.float32]
"""(2 * N, H, W), of N pictures: the gradient's direction, doubled so that light-to-dark equals dark-to-light, as cosine
and sine; long where the edge is strong for its neighbourhood, at most 1; 0 where nothing is known."""

Homography = NDArray[np.float64]


def edge_field(planes: Sequence[Plane], blur_px: float, inside: NDArray[np.bool_] | None = None) -> Field:
    """Give the field of (H, W) luma planes of any range, blurred first; it is known only where `inside` says so."""
    field = np.concatenate([_directions(plane, blur_px) for plane in planes])
    if inside is not None:
        field *= cv2.erode(inside.astype(np.uint8), np.ones((9, 9), np.uint8), borderValue=0)
    return field


def move_field(planes: Sequence[Plane], homography: Homography, size_px: tuple[int, int], blur_px: float) -> Field:
    """Give the field of planes that a homography moved into a picture of `size_px`, (width, height)."""
    inside = np.asarray(cv2.warpPerspective(np.ones_like(planes[0]), homography, size_px)) > 0.99
    moved = [cv2.warpPerspective(_antialiased(plane, homography), homography, size_px) for plane in planes]
    return edge_field([np.asarray(plane, np.float32) for plane in moved], blur_px, inside)


def agreement(target: Field, moved: Field) -> float:
    """Give the correlation of two fields where the moved one is known: 1 for the same edges, 0 as by chance."""
    known = moved.any(axis=0)
    power = np.sqrt(float((target[:, known] ** 2).sum()) * float((moved**2).sum()))
    whole = min(1.0, 2 * float(known.mean()))  # a corner that agrees is not a match
    return float((target * moved).sum() / max(power, 1e-9) * whole)


_ELSEWHERE = (1 / 40, 1 / 4)  # of the width: as far off are the places that are compared


def distinctness(target: Field, moved: Field) -> float:
    """Give how many times better two fields agree as they lie than at the best of the places around.

    Compared are the shifts of a fortieth to a quarter of the width, which show what edges of these pictures reach by
    chance. Above 1 the place is the best one; infinite if no other place has anything in common.
    """
    surface = correlation(target, moved)
    height, width = surface.shape
    down, right = (np.minimum(np.arange(side), side - np.arange(side)) for side in (height, width))
    away_px = np.hypot(down[:, None], right)
    elsewhere = surface[(away_px >= _ELSEWHERE[0] * width) & (away_px <= _ELSEWHERE[1] * width)].max(initial=0)
    here = float(surface[0, 0])
    return here / float(elsewhere) if elsewhere > 0 else (float("inf") if here > 0 else 0.0)


def correlation(first: Field, second: Field) -> Plane:
    """Correlation at every cyclic shift, (H, W): [r, c] is for `second` lying r below and c right of `first`."""
    power = np.sqrt(float((first**2).sum()) * float((second**2).sum())) + 1e-9
    spectrum = (np.conj(np.fft.rfft2(first)) * np.fft.rfft2(second)).sum(axis=0)
    surface: Plane = (np.fft.irfft2(spectrum, s=first.shape[1:]) / power).astype(np.float32)
    return surface


def subpixel(surface: Plane, row: int, column: int) -> tuple[float, float]:
    """Top of the parabola through a maximum and its two neighbours, each way, as row and column."""
    return vertex(surface[:, column], row), vertex(surface[row], column)


def shrink(plane: Plane, scale: float) -> Plane:
    """A plane made smaller, averaged over areas."""
    if scale == 1.0:
        return plane
    size = (round(plane.shape[1] * scale), round(plane.shape[0] * scale))
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.float32)


def _directions(plane: Plane, blur_px: float) -> Field:
    smooth = cv2.GaussianBlur(plane, (0, 0), blur_px)
    along_x, along_y = (cv2.Sobel(smooth, cv2.CV_32F, *order, ksize=3) for order in ((1, 0), (0, 1)))
    power = along_x**2 + along_y**2
    usual = cv2.GaussianBlur(power, (0, 0), max(8.0, plane.shape[1] / 16)) + float(power.mean()) * 0.25 + 1e-6
    weight = 1 / (power + usual)
    return np.asarray(np.stack([(along_x**2 - along_y**2) * weight, 2 * along_x * along_y * weight]), np.float32)


def _antialiased(plane: Plane, homography: Homography) -> Plane:
    shrink = 1 / max(1e-6, np.sqrt(abs(np.linalg.det(homography[:2, :2]))))
    return plane if shrink < 1.5 else np.asarray(cv2.GaussianBlur(plane, (0, 0), 0.4 * shrink), np.float32)


SEARCH_WIDTH_PX = 160
"""The width of the visible picture in this search."""
