"""Pairs to train on."""

from __future__ import annotations

import numpy as np

from coconet.training.data import GrayPair


def noise_pair(height: int = 80, width: int = 96, seed: int = 0) -> GrayPair:
    """Two pictures of noise, (height, width), which differ and are the same at every call."""
    visible, infrared = np.random.default_rng(seed).integers(0, 256, (2, height, width), np.uint8)
    return GrayPair(visible, infrared)
