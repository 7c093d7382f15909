"""The first guesses of an alignment: scalings and rotations of small pictures, and all shifts of each at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from coconet.errors import MissingPackage
from coconet.runtime.preprocess.edge_features import (
    SEARCH_WIDTH_PX,
    Homography,
    Plane,
    correlation,
    edge_field,
    move_field,
    shrink,
)

try:
    import cv2
except ImportError as error:
    raise MissingPackage("cv2", job="aligning cameras", extra="headless") from error


_BLUR_PX = 1.5

_SCALES = np.geomspace(0.75, 1.34, 11)

_ROTATIONS_DEG = np.arange(-9.0, 9.1, 3.0)

_APART = 0.075  # of the width, on average over the corners: nearer guesses are one guess


def first_guesses(visible: Sequence[Plane], infrared: Sequence[Plane], count: int) -> list[Homography]:
    """Give the best few homographies from infrared to visible pixels that are no neighbours, the best first."""
    width_px = visible[0].shape[1]
    kept: list[Homography] = []
    places: list[Plane] = []
    for guess in _ranked(visible, infrared):
        place = _corners(guess, infrared[0].shape)
        if all(np.linalg.norm(place - other, axis=1).mean() > _APART * width_px for other in places):
            kept.append(guess)
            places.append(place)
        if len(kept) == count:
            break
    return kept


def _ranked(visible: Sequence[Plane], infrared: Sequence[Plane]) -> list[Homography]:
    """The best shift of every scaling and rotation, by how well the edges agree."""
    scale = SEARCH_WIDTH_PX / visible[0].shape[1]
    target = edge_field([shrink(plane, scale) for plane in visible], _BLUR_PX)
    height, width = target.shape[1:]
    found: list[tuple[float, Homography]] = []
    for similarity in _similarities(infrared[0].shape, (height, width)):
        surface = correlation(target, move_field(infrared, similarity, (width, height), _BLUR_PX))
        row, column = np.unravel_index(int(np.argmax(surface)), surface.shape)
        shift = np.eye(3)
        shift[:2, 2] = (-_signed(int(column), width), -_signed(int(row), height))
        found.append((float(surface[row, column]), np.diag([1 / scale, 1 / scale, 1.0]) @ shift @ similarity))
    found.sort(key=lambda entry: -entry[0])
    return [homography / homography[2, 2] for _, homography in found]


def _similarities(source: tuple[int, ...], target: tuple[int, int]) -> Iterator[Homography]:
    """Scalings and rotations about the centre, beyond what brings the one size to the other."""
    fit = target[1] / source[1]
    for scale in _SCALES:
        for degrees in _ROTATIONS_DEG:
            turn = np.eye(3)
            turn[:2] = cv2.getRotationMatrix2D((source[1] / 2, source[0] / 2), float(degrees), float(scale * fit))
            turn[:2, 2] += (target[1] / 2 - source[1] / 2, target[0] / 2 - source[0] / 2)
            yield turn


def _corners(homography: Homography, shape: tuple[int, ...]) -> Plane:
    height, width = shape
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    return np.asarray(cv2.perspectiveTransform(corners[None], homography)[0], np.float32)


def _signed(index: int, length: int) -> int:
    return index - length if index > length // 2 else index
