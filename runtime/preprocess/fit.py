"""Fit: how infrared pictures of another size are laid onto visible ones while no alignment is known, in words too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from coconet.errors import CoconetError
from coconet.media.pixels import Pixels
from coconet.runtime.preprocess.fit_word import Fit
from coconet.runtime.preprocess.warp import Alignment

SizePx = tuple[int, int]
"""Width and height."""


@dataclass(frozen=True)
class Fitted:
    """Where an infrared picture comes to lie: scaled by `scale` to size_px, its top left corner at corner_px.

    Coordinates are those of the visible picture; a negative corner lies outside of it. covers: whether the visible
    picture is covered (crop) rather than the infrared one shown whole (scale).
    """

    scale: float
    size_px: SizePx
    corner_px: tuple[int, int]
    covers: bool

    def lay(self, infrared: Pixels, visible_px: SizePx) -> Pixels:
        """Lay (H, W, C) uint8 pixels onto black of the size of the visible picture."""
        import cv2

        (x, y), (width, height), channels = self.corner_px, self.size_px, infrared.shape[2]
        method = cv2.INTER_AREA if self.scale < 1 else cv2.INTER_LINEAR  # reduced by areas, which does not alias
        resized = np.asarray(cv2.resize(infrared, self.size_px, interpolation=method), np.uint8)
        resized = resized.reshape(height, width, channels)  # OpenCV drops the axis of a single channel
        laid: Pixels = np.zeros((visible_px[1], visible_px[0], channels), np.uint8)
        left, top = max(0, x), max(0, y)
        right, bottom = min(visible_px[0], x + width), min(visible_px[1], y + height)
        laid[top:bottom, left:right] = resized[top - y : bottom - y, left - x : right - x]
        return laid


def fitted(fit: Fit, infrared_px: SizePx, visible_px: SizePx) -> Fitted:
    """Where a picture of one size lies on one of another, by `scale` or `crop`; the middles meet."""
    ratios = [visible / infrared for visible, infrared in zip(visible_px, infrared_px, strict=True)]
    scale = max(ratios) if fit == "crop" else min(ratios)
    width, height = (max(1, round(side * scale)) for side in infrared_px)
    corner = ((visible_px[0] - width) // 2, (visible_px[1] - height) // 2)
    return Fitted(scale, (width, height), corner, fit == "crop")


class Placement:
    """Lays infrared pictures onto visible ones: as an alignment says, or, while there is none, by a fit.

    Sizes may change from pair to pair, as when a live camera is switched to another profile. A fit suits every size; an
    alignment is scaled along with pictures that keep their proportions.
    told: how the last picture was laid, in words; empty if it was of the same size, or as the alignment was found.
    """

    def __init__(self, alignment: Alignment, fit: Fit = "scale") -> None:
        self.alignment, self.fit, self.told = alignment, fit, ""
        self._sizes: tuple[SizePx, SizePx] | None = None
        self._laid_by: Alignment | Fitted | None = None

    def lay(self, infrared: Pixels, visible_px: SizePx, where: str) -> Pixels:
        """Lay (H, W, 1) uint8 infrared pixels onto a visible picture of (width, height); uncovered pixels are 0.

        Equal sizes without an alignment return `infrared` itself. Raises CoconetError, about `where`, for an alignment
        that was found for other proportions.
        """
        by = self.laid_by((infrared.shape[1], infrared.shape[0]), visible_px, where)
        if isinstance(by, Fitted):
            return by.lay(infrared, visible_px)
        return infrared if by is None else by.warp(infrared, visible_px, where)

    def laid_by(self, infrared_px: SizePx, visible_px: SizePx, where: str) -> Alignment | Fitted | None:
        """What lays pictures of these sizes: the alignment scaled to them, a fit, or nothing. Raises as `lay` does."""
        sizes = (infrared_px, visible_px)
        if sizes != self._sizes:
            self._laid_by = self._choose(*sizes, where)
            self._sizes = sizes
        return self._laid_by

    def described(self, infrared_px: SizePx, visible_px: SizePx) -> str:
        """Say how pictures of these sizes would be laid; empty if they need nothing."""
        self._choose(infrared_px, visible_px, "alignment")
        return self.told

    def _choose(self, infrared_px: SizePx, visible_px: SizePx, where: str) -> Alignment | Fitted | None:
        self._sizes, self.told = None, ""
        if not self.alignment.trivial:
            aligned = self.alignment.for_sizes(infrared_px, visible_px)
            if aligned is None:
                raise _unfit(where, self.alignment, infrared_px, visible_px)
            if aligned != self.alignment:
                self.told = f"the alignment was found for other sizes and is scaled to {_both(infrared_px, visible_px)}"
            return aligned
        if infrared_px == visible_px:
            return None
        found = fitted(self.fit, infrared_px, visible_px)
        self.told = _in_words(found, infrared_px, visible_px)
        return found


def _in_words(found: Fitted, infrared_px: SizePx, visible_px: SizePx) -> str:
    """Say what is done to a picture, and what is lost or left black."""
    done = f"scaled by {found.scale:.4g} onto visible {size_text(visible_px)}"
    across, down = (size - own for size, own in zip(visible_px, found.size_px, strict=True))
    edges = "left and right" if abs(across) >= abs(down) else "above and below"
    if not (across or down):
        rest = ""
    elif found.covers:
        lost = 1 - visible_px[0] * visible_px[1] / (found.size_px[0] * found.size_px[1])
        rest = f"; the proportions differ, and {lost:.0%} of it is cut off {edges}"
    else:
        rest = f"; the proportions differ, and {(max(across, down) + 1) // 2} px {edges} stay black"
    how = "crop" if found.covers else "scale"
    return (
        f"infrared {size_text(infrared_px)} is {done} (--fit {how}){rest}. "
        "For a first look; coconet align finds how it really lies."
    )


def size_text(size_px: SizePx) -> str:
    """Width and height as 640x480."""
    return f"{size_px[0]}x{size_px[1]}"


def _both(infrared_px: SizePx, visible_px: SizePx) -> str:
    return f"visible {size_text(visible_px)} and infrared {size_text(infrared_px)}"


def _unfit(where: str, alignment: Alignment, infrared_px: SizePx, visible_px: SizePx) -> CoconetError:
    known: list[Any] = [("visible", alignment.size_px), ("infrared", alignment.infrared_size_px)]
    wanted = " and ".join(f"{side} pictures of the proportions of {size_text(size)}" for side, size in known if size)
    return CoconetError(
        where,
        wanted=wanted,
        got=_both(infrared_px, visible_px),
        remedy="Align the rig again.",
        says=f"does not fit: the alignment was found for {wanted}, and these are {_both(infrared_px, visible_px)}",
    )
