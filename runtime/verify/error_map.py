"""An error map: where two pictures differ, amplified until the eye can see it, and a panel that shows it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from coconet.errors import MissingPackage
from coconet.media.panel import captioned_row
from coconet.media.pixels import Pixels
from coconet.runtime.verify.parity import ModelPictures

try:
    import cv2
except ImportError as error:
    raise MissingPackage("cv2", job="drawing error maps", extra="headless") from error


MOST_FACTOR = 64
"""Errors of one or two levels stay dark: they are rounding, and should not look like faults."""


@dataclass(frozen=True)
class ErrorMap:
    """(H, W, 3) BGR uint8, black for no error over red to bright yellow. factor: what errors were multiplied with."""

    pixels: Pixels
    factor: int
    max_abs_error: int


def error_map(reference: Pixels, candidate: Pixels) -> ErrorMap:
    """Paint the largest error of the channels of each pixel, (H, W, C) uint8 both, brightest at the largest of all."""
    errors = (np.maximum(reference, candidate) - np.minimum(reference, candidate)).max(axis=2)
    most = int(errors.max())
    factor = min(MOST_FACTOR, 255 // max(most, 1))
    coloured = cv2.applyColorMap(errors * np.uint8(factor), cv2.COLORMAP_INFERNO)
    return ErrorMap(np.asarray(coloured, np.uint8), factor, most)


def error_panel(answers: ModelPictures, labels: tuple[str, str]) -> Pixels:
    """Both frames, both models' pictures and the error map in one row; (H + 24, 5 W + 16, 3) BGR uint8."""
    captions, pictures = zip(*error_pictures(answers, labels), strict=True)
    return captioned_row(pictures, captions)


def error_pictures(answers: ModelPictures, labels: tuple[str, str]) -> list[tuple[str, Pixels]]:
    """Both frames, both models' pictures and the error map, (H, W, C) uint8 each, with their captions before them."""
    errors = error_map(answers.reference, answers.candidate)
    pair = answers.pair
    pictures = (pair.infrared.pixels, pair.visible.pixels, answers.reference, answers.candidate, errors.pixels)
    captions = ("infrared", "visible", *labels, f"error x {errors.factor}, most {errors.max_abs_error}")
    return list(zip(captions, pictures, strict=True))
