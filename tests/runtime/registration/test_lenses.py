"""Alignment of pictures that a known lens has bent."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from coconet.media.pixels import RawPixels
from coconet.runtime.cameras.synthetic.camera import synthetic_pairs
from coconet.runtime.preprocess.warp import Lens
from coconet.runtime.registration.edges import EdgeRegistrar
from coconet.runtime.registration.pair_sampling import alignment_of

LENS = Lens((300, 300), (160, 120), (-0.35, 0.08, 0, 0, 0))


def bent(pixels: RawPixels) -> RawPixels:
    """The picture as the lens shows it: each pixel is looked up where OpenCV says that its ray came from."""
    height, width = pixels.shape[:2]
    places = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).reshape(-1, 1, 2).astype(np.float32)
    straight = cv2.undistortPoints(places, LENS.matrix, np.array(LENS.distortion), P=LENS.matrix)
    columns, rows = np.moveaxis(np.asarray(straight).reshape(height, width, 2), 2, 0)
    return np.asarray(cv2.remap(pixels, columns, rows, cv2.INTER_LINEAR)).reshape(pixels.shape)


def test_the_homography_is_that_of_pictures_without_the_distortion_of_the_lens() -> None:
    """Both cameras of the synthetic rig see the same pixels, so that the identity is right once the lens is known."""
    pairs = synthetic_pairs(3, 240, 320)
    seen = [replace(pair, infrared=replace(pair.infrared, pixels=bent(pair.infrared.pixels))) for pair in pairs]
    corners = np.array([(40, 40, 1), (280, 40, 1), (280, 200, 1), (40, 200, 1)], float).T
    misses = []
    for lens in (None, LENS):
        found = np.array(alignment_of(EdgeRegistrar(), seen, lens).alignment.homography) @ corners
        misses.append(float(np.abs(found[:2] / found[2] - corners[:2]).max()))
    assert misses[1] < 2.5
    assert misses[1] < misses[0] / 2
