"""Baselines: fusion without a network, to compare networks with and to try a rig with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from coconet.cards.model_card import ModelCard
from coconet.cards.precision import REFERENCE
from coconet.media.pixels import Pixels, luma
from coconet.model_names import Rule
from coconet.runtime.frame_check import fuse_adapted

Luma = NDArray[np.float32]
"""(H, W, 1), 0..255, not rounded."""


def rule_card(rule: Rule) -> ModelCard:
    """The card of a rule, which has no weights and takes frames of any size."""
    return ModelCard(network=rule, precision=REFERENCE, weights_sha256="")


class BaselineBackend:
    """Visible luma and infrared fused by a rule, the visible chroma kept; colour and gray, on any machine.

    `average` and `maximum` are the mean and the brighter of both, pixel by pixel, and can be worked out by hand.
    `pyramid` takes of every detail the stronger (runtime/backends/pyramid.py); it wants sides of 16 pixels or more.
    """

    def __init__(self, rule: Rule = "average") -> None:
        self.rule = rule
        self.name = "OpenCV" if rule == "pyramid" else "numpy"
        self.card = rule_card(rule)

    def fuse(self, visible: Pixels, infrared: Pixels) -> Pixels:
        """Fuse (H, W, 3) BGR or (H, W, 1) gray with (H, W, 1), uint8; shaped like `visible`."""
        return fuse_adapted(self.card, self.rule, self._fuse_colour, visible, infrared)

    def _fuse_colour(self, visible: Pixels, infrared: Pixels) -> Pixels:
        gray = luma(visible)[:, :, None]
        return add_luma(visible, self._fuse_luma(gray, infrared) - gray)

    def _fuse_luma(self, gray: Luma, infrared: Pixels) -> Luma:
        if self.rule == "pyramid":
            return _fuse_details(gray, infrared)
        thermal: Luma = infrared.astype(np.float32)
        return np.maximum(gray, thermal) if self.rule == "maximum" else np.float32(0.5) * (gray + thermal)

    def close(self) -> None:
        """Nothing is held."""

    def __enter__(self) -> BaselineBackend:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _fuse_details(gray: Luma, infrared: Pixels) -> Luma:
    from coconet.runtime.backends.pyramid import fuse_pyramids

    return fuse_pyramids(infrared[:, :, 0], gray[:, :, 0]).astype(np.float32)[:, :, None]


def add_luma(visible: Pixels, change: Luma) -> Pixels:
    """Add (H, W, 1) `change`, in levels, to the luma of (H, W, 3); chroma stays, since B-Y and R-Y do not move."""
    painted = visible + change
    return np.clip(np.rint(painted, out=painted), 0, 255, out=painted).astype(np.uint8)
