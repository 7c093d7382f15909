"""Frames held against a model's card: refused if they do not fit, or brought to its channels and its size."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import numpy as np

from coconet.cards.frame_size import check_frame_size
from coconet.cards.model_card import INFRARED, VISIBLE, ModelCard
from coconet.errors import CoconetError, FrameMisfit
from coconet.media.pixels import Pixels, as_bgr, as_gray
from coconet.runtime.frame import STILL, Frame, FramePair

Run = Callable[[Pixels, Pixels], Pixels]
"""(H, W, C) and (H, W, 1), exactly as the card says, to (H, W, C)."""


def fuse_adapted(card: ModelCard, where: object, run: Run, visible: Pixels, infrared: Pixels) -> Pixels:
    """Check both frames, call `run` with what it wants, and give back a picture shaped like `visible`.

    Raises CoconetError that names `where`, the frame, and both sizes or types.
    """
    return like_visible(run(*adapt_frames(card, where, visible, infrared)), visible.shape[2])


def adapt_frames(card: ModelCard, where: object, visible: Pixels, infrared: Pixels) -> tuple[Pixels, Pixels]:
    """Check both frames and return them as the card wants them: a gray frame is repeated to BGR for a colour model."""
    check_frames(card, where, visible, infrared)
    if visible.shape[2] != card.visible_channels:
        visible = as_bgr(visible)
    return visible, infrared


def check_frames(card: ModelCard, where: object, visible: Pixels, infrared: Pixels) -> None:
    """Refuse a pair that the model does not take, by types, channels or sizes; `where` names it in errors."""
    _check_pixels(VISIBLE, visible, (1, card.visible_channels), where)
    _check_pixels(INFRARED, infrared, (1,), where)
    _check_sizes(card, visible, infrared, where)


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
    raise FrameMisfit(
        f"{where}, {side} frame",
        wanted=f"uint8 pixels of shape (height, width, {depths})",
        got=f"{pixels.dtype} pixels of shape {pixels.shape}",
        remedy=_REMEDIES[side] if pixels.dtype == np.uint8 else "Bring raw counts to 8 bit first.",
        says=f"has {pixels.dtype} pixels of shape {pixels.shape}; expected uint8 of shape (height, width, {depths})",
    )


_REMEDIES = {
    VISIBLE: "Export the model for as many channels as the visible camera has.",
    INFRARED: "Give the infrared picture as one gray channel.",
}


def _check_sizes(card: ModelCard, visible: Pixels, infrared: Pixels, where: object) -> None:
    seen, thermal = visible.shape[:2], infrared.shape[:2]
    if seen != thermal and card.form != "warped":
        raise FrameMisfit(
            f"{where}, infrared frame",
            wanted=f"{size_in_words(*seen)} like the visible frame",
            got=size_in_words(*thermal),
            remedy="Align the two cameras, or scale one of them.",
            says=f"is {size_in_words(*thermal)}, but the visible one is {size_in_words(*seen)}",
        )
    if card.signature.side_multiple > 1:  # then frames are padded, by what they show
        check_frame_size(seen[0], seen[1], card.signature)
    wanted = card.size_within(*seen)
    if seen != wanted:
        only = card.largest_px is None
        near = size_in_words(*wanted)
        raise FrameMisfit(
            f"{where}, frame size",
            wanted=f"{near}, the size this model was exported for"
            if only
            else f"a size that this model was exported for, the nearest being {near}",
            got=size_in_words(*seen),
            remedy="Export the model for this size, or scale the frames.",
            says=f"is {size_in_words(*seen)}, but the model was exported for "
            f"{near if only else f'other sizes, the nearest being {near}'}",
        )


class SizeGuard:
    """Lets pairs of a size that a model does not take pass through without it, once it has taken others.

    A live camera may be switched to another size in mid-run; pictures of a folder are refused by the model instead.
    """

    def __init__(self, card: ModelCard) -> None:
        self._card, self._took = card, False

    def __call__(self, pair: FramePair) -> FramePair:
        """Return the pair as it is, or as one whose infrared side is missing, with the reason as its notice."""
        if pair.missing or pair.visible.stamps == STILL:
            return pair
        try:
            _check_sizes(self._card, pair.visible.pixels, pair.infrared.pixels, self._card.network)
        except CoconetError as error:
            if not self._took:
                return pair  # the backend says it, and ends the run
            notice = f"not fused: the model takes {error.wanted.partition(',')[0]}, not {error.got}"
            return replace(pair, missing=frozenset({"infrared"}), notice=notice)
        self._took = True
        return pair


def fit_pairs(pairs: Iterable[FramePair], card: ModelCard) -> Iterator[FramePair]:
    """The pairs as the model of `card` takes them: uint8, (H, W, card.visible_channels) and (H, W, 1), at its size.

    Colour becomes BT.601 luma where gray is wanted, gray is repeated where colour is wanted. Of a picture too large for
    the model the middle is cut out, and one too small is enlarged: scaling a picture down would sharpen edges and
    average noise away, and with them the activations whose range is to be measured.
    An infrared picture that a model is to lay itself keeps its size, unless the visible one is cut or enlarged.
    Raises CoconetError for 16-bit samples and for two frames of unlike size.
    """
    for given in pairs:
        visible = _with_channels(given.visible, VISIBLE, card.visible_channels)
        whole = visible.shape[:2] == card.size_within(*visible.shape[:2])
        pair = given if whole else given.laid()
        infrared = _with_channels(pair.infrared, INFRARED, 1)
        if pair.warp is not None:
            frames = (replace(pair.visible, pixels=visible), replace(pair.infrared, pixels=infrared))
            yield FramePair(*frames, warp=pair.warp)
            continue
        _check_same_size(pair, visible, infrared)
        yield FramePair(
            replace(pair.visible, pixels=_at_size(visible, card)),
            replace(pair.infrared, pixels=_at_size(infrared, card)),
        )


def _with_channels(frame: Frame, side: str, channels: int) -> Pixels:
    if frame.pixels.dtype != np.uint8:
        raise CoconetError(
            f"{side} frame {frame.name or frame.index}",
            wanted="8 bit samples",
            got=f"samples of type {frame.pixels.dtype}",
            remedy="Bring raw counts to 8 bit as the live loop does.",
            says=f"has samples of type {frame.pixels.dtype}, and only 8 bits are taken",
        )
    if frame.pixels.shape[2] == channels:
        return frame.pixels
    return as_bgr(frame.pixels) if channels == 3 else as_gray(frame.pixels)


def _check_same_size(pair: FramePair, visible: Pixels, infrared: Pixels) -> None:
    if visible.shape[:2] != infrared.shape[:2]:
        raise CoconetError(
            f"infrared frame {pair.infrared.name or pair.infrared.index}",
            wanted=f"{size_in_words(*visible.shape[:2])} like its visible frame",
            got=size_in_words(*infrared.shape[:2]),
            remedy="Use registered pairs of one size.",
            says=f"is {size_in_words(*infrared.shape[:2])}, but its visible frame is "
            f"{size_in_words(*visible.shape[:2])}",
        )


def _at_size(pixels: Pixels, card: ModelCard) -> Pixels:
    height, width = card.size_within(*pixels.shape[:2])
    covering = _covering(pixels, height, width)
    top, left = (covering.shape[0] - height) // 2, (covering.shape[1] - width) // 2
    return np.ascontiguousarray(covering[top : top + height, left : left + width])


def _covering(pixels: Pixels, height: int, width: int) -> Pixels:
    """The picture, enlarged in its own proportions if it does not cover (height, width)."""
    scale = max(height / pixels.shape[0], width / pixels.shape[1])
    if scale <= 1:
        return pixels
    import cv2

    size = (max(width, round(pixels.shape[1] * scale)), max(height, round(pixels.shape[0] * scale)))
    enlarged = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR), np.uint8)
    return enlarged.reshape(*enlarged.shape[:2], pixels.shape[2])  # OpenCV drops the axis of a single channel
