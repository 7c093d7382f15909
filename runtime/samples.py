"""Sample frames: pairs to try a model on, from a folder or painted, in the layout that its card asks for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np

from coconet.errors import CoconetError
from coconet.pairs import PicturePair, paired_folder
from coconet.signature import INFRARED, VISIBLE, ModelCard
from runtime.adapter import size_in_words
from runtime.frame import Frame, FramePair, Pixels, RawPixels


class FolderFrames:
    """The pairs of a folder with `ir/` and `vis/` (or IR/VIS, infrared/visible), read anew at every iteration.

    Raises CoconetError for a folder without the two, an empty one, or pictures that have no partner.
    """

    def __init__(self, root: Path) -> None:
        self.pairs: Sequence[PicturePair] = paired_folder(root)

    def __len__(self) -> int:
        return len(self.pairs)

    def __iter__(self) -> Iterator[FramePair]:
        from coconet.picture import read_picture

        for index, pair in enumerate(self.pairs):
            visible, infrared = (
                Frame(read_picture(path), timestamp_ns=0, index=index, name=str(path))
                for path in (pair.visible, pair.infrared)
            )
            yield FramePair(visible, infrared)


def fitted(pairs: Iterable[FramePair], card: ModelCard) -> Iterator[FramePair]:
    """The pairs as the model of `card` takes them: uint8, (H, W, card.visible_channels) and (H, W, 1), at its size.

    Colour becomes BT.601 luma where gray is wanted, gray is repeated where colour is wanted. Of a picture too large for
    the model the middle is cut out, and one too small is enlarged: scaling a picture down would sharpen edges and
    average noise away, and with them the activations whose range is to be measured.
    Raises CoconetError for 16-bit samples and for two frames of unlike size.
    """
    for pair in pairs:
        visible = _with_channels(pair.visible, VISIBLE, card.visible_channels)
        infrared = _with_channels(pair.infrared, INFRARED, 1)
        _check_same_size(pair, visible, infrared)
        yield FramePair(
            replace(pair.visible, pixels=_at_size(visible, card)),
            replace(pair.infrared, pixels=_at_size(infrared, card)),
        )


def painted_pairs(count: int, height_px: int = 480, width_px: int = 640) -> list[FramePair]:
    """The first pairs of the painted rig, which needs neither cameras nor files."""
    from runtime.rig import Rig, open_rig

    address = f"painted://?width={width_px}&height={height_px}&seed=3"
    with open_rig(Rig.from_addresses(address, address)) as pairs:
        return list(islice(pairs, count))


def _with_channels(frame: Frame, side: str, channels: int) -> Pixels:
    if frame.pixels.dtype != np.uint8:
        raise CoconetError(
            f"{side} frame {frame.name or frame.index}",
            wanted="8 bit samples",
            got=f"samples of type {frame.pixels.dtype}",
            remedy="Bring raw counts to 8 bit as the live loop does.",
        )
    if frame.pixels.shape[2] == channels:
        return frame.pixels
    return np.repeat(frame.pixels, channels, axis=2) if channels == 3 else _luma(frame.pixels)


def _luma(pixels: RawPixels) -> Pixels:
    import cv2

    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), np.uint8)[:, :, None]


def _check_same_size(pair: FramePair, visible: Pixels, infrared: Pixels) -> None:
    if visible.shape[:2] != infrared.shape[:2]:
        raise CoconetError(
            f"infrared frame {pair.infrared.name or pair.infrared.index}",
            wanted=f"{size_in_words(*visible.shape[:2])} like its visible frame",
            got=size_in_words(*infrared.shape[:2]),
            remedy="Use registered pairs of one size.",
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
