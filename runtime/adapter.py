"""Adapter: camera frames checked against what a model's card wants, and a gray camera brought to a colour model."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from coconet.errors import CoconetError
from coconet.signature import INFRARED, VISIBLE, ModelCard
from runtime.frame import Pixels

Run = Callable[[Pixels, Pixels], Pixels]
"""(H, W, C) and (H, W, 1), exactly as the card says, to (H, W, C)."""


def fuse_adapted(card: ModelCard, where: object, run: Run, visible: Pixels, infrared: Pixels) -> Pixels:
    """Check both frames, call `run` with what it wants, and give back a picture shaped like `visible`.

    Raises CoconetError that names `where`, the frame, and both sizes or types.
    """
    return like_visible(run(*adapted(card, where, visible, infrared)), visible.shape[2])


def adapted(card: ModelCard, where: object, visible: Pixels, infrared: Pixels) -> tuple[Pixels, Pixels]:
    """Check both frames and return them as the card wants them: a gray frame is repeated to BGR for a colour model."""
    _check_pixels(VISIBLE, visible, (1, card.visible_channels), where)
    _check_pixels(INFRARED, infrared, (1,), where)
    _check_sizes(card, visible, infrared, where)
    if visible.shape[2] != card.visible_channels:
        visible = np.repeat(visible, card.visible_channels, axis=2)
    return visible, infrared


def like_visible(fused: Pixels, channels: int) -> Pixels:
    """Return the picture with as many channels as the camera gave.

    A gray frame repeated to BGR has no chroma and the fused one keeps that, so its three channels are equal and the
    first one is the answer.
    """
    return fused if fused.shape[2] == channels else np.ascontiguousarray(fused[:, :, :1])


def size_in_words(height_px: int, width_px: int) -> str:
    """Write a size so that nobody has to guess which side comes first."""
    return f"{height_px}x{width_px} (height x width)"


def _check_pixels(side: str, pixels: Pixels, channels: tuple[int, ...], where: object) -> None:
    if pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.shape[2] in channels:
        return
    depths = " or ".join(str(count) for count in sorted(set(channels)))
    raise CoconetError(
        f"{where}, {side} frame",
        wanted=f"uint8 pixels of shape (height, width, {depths})",
        got=f"{pixels.dtype} pixels of shape {pixels.shape}",
        remedy=_REMEDIES[side] if pixels.dtype == np.uint8 else "Bring raw counts to 8 bit first.",
    )


_REMEDIES = {
    VISIBLE: "Export the model for as many channels as the visible camera has.",
    INFRARED: "Give the infrared picture as one gray channel.",
}


def _check_sizes(card: ModelCard, visible: Pixels, infrared: Pixels, where: object) -> None:
    seen, thermal = visible.shape[:2], infrared.shape[:2]
    if seen != thermal:
        raise CoconetError(
            f"{where}, infrared frame",
            wanted=f"{size_in_words(*seen)} like the visible frame",
            got=size_in_words(*thermal),
            remedy="Align the two cameras, or scale one of them.",
        )
    wanted = card.size_within(*seen)
    if seen != wanted:
        raise CoconetError(
            f"{where}, frame size",
            wanted=f"{size_in_words(*wanted)}, the size this model was exported for"
            if card.largest_px is None
            else f"a size that this model was exported for, the nearest being {size_in_words(*wanted)}",
            got=size_in_words(*seen),
            remedy="Export the model for this size, or scale the frames.",
        )
