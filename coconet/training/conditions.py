"""Conditions: what other cameras and other hours make of a pair of crops, drawn at random."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coconet.errors import MissingPackage

try:
    import cv2
except ImportError as error:
    raise MissingPackage("cv2", job="training", extra="headless") from error


Frames = NDArray[np.float32]
"""A crop of one camera and the frame after it, (2, H, W) in 0..1."""

FLAT = 0.01
"""Share of the crops with one flat side, as behind a lens cap or in glare."""

BLACK_HOT = 0.1
"""Share of the crops with inverted infrared."""


@dataclass(frozen=True)
class Conditions:
    """What is drawn for every crop, the same for both of its frames.

    Each side gets an exposure of its own, infrared rarely inverted polarity (black-hot cameras exist) and rarely a
    side is flat. night: share of the crops in which the whole scene turns dark, both cameras alike.
    cameras: share of the crops, for each side, that get each of a narrow range of levels, vignetting, fixed pattern,
    noise, and compression.
    """

    night: float = 0.0
    cameras: float = 0.0

    def of(self, visible: Frames, infrared: Frames, rng: np.random.Generator) -> tuple[Frames, Frames]:
        """Both sides under what `rng` draws; in whole gray levels where they were altered."""
        if rng.random() < BLACK_HOT:
            infrared = 1.0 - infrared
        visible, infrared = (_exposed(side, rng) for side in (visible, infrared))
        if rng.random() < self.night:
            visible, infrared = _darkened(visible, infrared, rng)
        return self._through_camera(visible, rng), self._through_camera(infrared, rng)

    def _through_camera(self, frames: Frames, rng: np.random.Generator) -> Frames:
        steps: tuple[Callable[[Frames, np.random.Generator], Frames], ...]
        steps = (_narrowed, _vignetted, _patterned, _with_noise, _compressed)
        for step in steps:
            if rng.random() < self.cameras:
                frames = step(frames, rng)
        return np.asarray(_levels(frames) / 255.0, np.float32)


def _exposed(frames: Frames, rng: np.random.Generator) -> Frames:
    chance = rng.random()
    if chance < FLAT:
        return np.full_like(frames, rng.choice([0.0, 1.0, rng.random()]))
    if chance < 0.5:
        return frames
    return _curve(frames, math.exp(rng.uniform(-0.5, 0.7)), _log_uniform(rng, 0.5, 1.0))


def _darkened(visible: Frames, infrared: Frames, rng: np.random.Generator) -> tuple[Frames, Frames]:
    gamma, gain = math.exp(rng.uniform(0.3, 1.4)), _log_uniform(rng, 0.25, 1.0)
    return _curve(visible, gamma, gain), _curve(infrared, gamma, gain * rng.uniform(0.7, 1.0))


def _curve(frames: Frames, gamma: float, gain: float) -> Frames:
    return np.asarray(np.clip(frames, 0.0, 1.0) ** gamma * gain, np.float32)


def _narrowed(frames: Frames, rng: np.random.Generator) -> Frames:
    """All levels within 30 to 200 of the 256, wherever they lie."""
    span = rng.uniform(30.0, 200.0) / 255.0
    return np.asarray(frames * span + rng.uniform(0.0, 1.0 - span), np.float32)


def _vignetted(frames: Frames, rng: np.random.Generator) -> Frames:
    """Darker away from a point by up to half at the far corners."""
    height, width = frames.shape[1:]
    rows, columns = np.mgrid[0:height, 0:width] / max(height, width)
    away = (rows - rng.uniform(0.0, 1.0)) ** 2 + (columns - rng.uniform(0.0, 1.0)) ** 2
    return np.asarray(frames * (1.0 - rng.uniform(0.0, 0.25) * away), np.float32)


def _patterned(frames: Frames, rng: np.random.Generator) -> Frames:
    """The same stripes and grain on both frames, as of an uncooled sensor between two shutter events."""
    height, width = frames.shape[1:]
    stripes = rng.normal(0.0, rng.uniform(0.0, 1.5), (1, width)) + rng.normal(
        0.0, rng.uniform(0.0, 1.0), (height, width)
    )
    return np.asarray(frames + stripes / 255.0, np.float32)


def _with_noise(frames: Frames, rng: np.random.Generator) -> Frames:
    """Noise of up to 2 levels deviation, the same on both frames: what changes between them is steadiness's matter."""
    return np.asarray(frames + rng.normal(0.0, rng.uniform(0.2, 2.0), frames.shape[1:]) / 255.0, np.float32)


def _compressed(frames: Frames, rng: np.random.Generator) -> Frames:
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(45, 92))]
    return np.stack([_decoded(one, quality) for one in _levels(frames)])


def _decoded(levels: NDArray[np.uint8], quality: list[int]) -> Frames:
    picture = cv2.imdecode(cv2.imencode(".jpg", levels, quality)[1], cv2.IMREAD_GRAYSCALE)
    return np.asarray(np.asarray(picture) / 255.0, np.float32)


def _levels(frames: Frames) -> NDArray[np.uint8]:
    levels: NDArray[np.uint8] = np.rint(np.clip(frames, 0.0, 1.0) * 255.0).astype(np.uint8)
    return levels


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(math.exp(rng.uniform(math.log(low), math.log(high))))
