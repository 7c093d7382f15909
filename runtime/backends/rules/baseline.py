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
    The others have a file of this room: `pyramid` takes of every detail the stronger (pyramid.py) and wants sides of 16
    pixels or more; `guided-filter` and `two-scale` weigh what is coarse and what is fine by what stands out
    (two_scale.py); `gradient-transfer` puts the edges of the visible picture on the brightness of the infrared one
    (gradient_transfer.py), is the slowest, and needs no more than numpy.
    """

    def __init__(self, rule: Rule = "average") -> None:
        self.rule = rule
        self.name = "OpenCV" if rule in ("pyramid", "guided-filter", "two-scale") else "numpy"
        self.card = rule_card(rule)

    def fuse(self, visible: Pixels, infrared: Pixels) -> Pixels:
        """Fuse (H, W, 3) BGR or (H, W, 1) gray with (H, W, 1), uint8; shaped like `visible`."""
        return fuse_adapted(self.card, self.rule, self._fuse_colour, visible, infrared)

    def _fuse_colour(self, visible: Pixels, infrared: Pixels) -> Pixels:
        gray = luma(visible)[:, :, None]
        return add_luma(visible, self._fuse_luma(gray, infrared) - gray)

    def _fuse_luma(self, gray: Luma, infrared: Pixels) -> Luma:
        thermal: Luma = infrared.astype(np.float32)
        fused: Luma
        if self.rule == "average":
            fused = np.float32(0.5) * (gray + thermal)
        elif self.rule == "maximum":
            fused = np.maximum(gray, thermal)
        else:
            fused = _fused_by(self.rule, gray[:, :, 0], thermal[:, :, 0])[:, :, None]
        return fused

    def close(self) -> None:
        """Nothing is held."""

    def __enter__(self) -> BaselineBackend:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _fused_by(rule: Rule, gray: Luma, thermal: Luma) -> Luma:
    """Two (H, W) by a rule that looks around every pixel."""
    if rule == "pyramid":
        from coconet.runtime.backends.rules.pyramid import fuse_pyramids

        return fuse_pyramids(thermal, gray).astype(np.float32)
    if rule == "gradient-transfer":
        from coconet.runtime.backends.rules.gradient_transfer import transfer_gradients

        return transfer_gradients(gray, thermal)
    from coconet.runtime.backends.rules.two_scale import fuse_guided, fuse_salient

    return fuse_guided(gray, thermal) if rule == "guided-filter" else fuse_salient(gray, thermal)


def add_luma(visible: Pixels, change: Luma) -> Pixels:
    """Add (H, W, 1) `change`, in levels, to the luma of (H, W, 3); chroma stays, since B-Y and R-Y do not move."""
    summed = visible + change
    return np.clip(np.rint(summed, out=summed), 0, 255, out=summed).astype(np.uint8)
