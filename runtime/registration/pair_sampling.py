"""Pairs to align by, some time apart in the stream of a rig, and the alignment that a method finds in them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from coconet.errors import CoconetError
from coconet.event_log import warn_once
from coconet.media.image import resize
from coconet.media.pixels import as_gray
from coconet.runtime.frame import Frame, FramePair
from coconet.runtime.preprocess.warp import Alignment, Lens, as_matrix
from coconet.runtime.registration.registrar import Registrar

if TYPE_CHECKING:
    from coconet.runtime.pairing.pair_stream import PairStream

_ONE_PICTURE = 0.99
"""Correlation of brightness above which two pictures are one."""

_LIKE_SHAPES = 0.02  # of the sides, as a logarithm

_PATIENCE_S = 10.0  # a camera that is lost may come back


@dataclass(frozen=True)
class PairSampling:
    """Which pairs to look at: `pairs` of them, one of `every`."""

    pairs: int = 6
    every: int = 15

    def of(self, stream: PairStream) -> list[FramePair]:
        """Take them from an open stream whose infrared frames come as they are (open_rig with align=False).

        Raises CoconetError if there are none, and if live cameras give none for 10 s.
        """
        seen = list(islice(_whole(stream), 0, self.pairs * self.every, self.every))
        if not seen:
            raise CoconetError(
                "cameras",
                wanted="pairs to align by",
                got="none",
                remedy="Check both cameras.",
                says="give no pairs to align by",
            )
        return [pair for pair in seen if _sizes(pair) == _sizes(seen[-1])]


@dataclass(frozen=True)
class RigAlignment:
    """An alignment, the method that found it, and how well the pictures bear it out, in words."""

    alignment: Alignment
    method: str
    summary: str


def alignment_of(
    registrar: Registrar, seen: Sequence[FramePair], infrared_lens: Lens | None = None, visible_lens: Lens | None = None
) -> RigAlignment:
    """Align by pairs of one size a side, and keep the lenses: what they bend is straightened before it is looked at.

    Raises CoconetError if the pairs do not show enough to align by.
    """
    if all(map(_shows_one_picture, seen)):
        warn_once("both cameras show the same picture: is one of them named for both sides?")
    found = registrar.register([_straight_pair(pair, infrared_lens, visible_lens) for pair in seen])
    visible_px, infrared_px = _sizes(seen[0])
    homography = as_matrix(found.homography)
    alignment = Alignment(homography, visible_px, infrared_lens, visible_lens, infrared_size_px=infrared_px)
    return RigAlignment(alignment, found.method, found.summary)


def _shows_one_picture(pair: FramePair) -> bool:
    """Whether both pictures are one, but for colours, size and coding; heat and light never look that much alike."""
    visible, infrared = (np.asarray(as_gray(frame.pixels), np.uint8) for frame in (pair.visible, pair.infrared))
    rows, columns = infrared.shape[:2]
    if abs(np.log((visible.shape[1] * rows) / (visible.shape[0] * columns))) > _LIKE_SHAPES:
        return False
    one, other = (resize(side, columns, rows).ravel().astype(np.float64) for side in (visible, infrared))
    if not (one.std() and other.std()):
        return False
    return float(np.corrcoef(one, other)[0, 1]) > _ONE_PICTURE


def _straight_pair(pair: FramePair, infrared_lens: Lens | None, visible_lens: Lens | None) -> FramePair:
    infrared, visible = _straightened(pair.infrared, infrared_lens), _straightened(pair.visible, visible_lens)
    return replace(pair, visible=visible, infrared=infrared)


def _straightened(frame: Frame, lens: Lens | None) -> Frame:
    """The frame without the distortion of its lens; its pixels where that does nothing."""
    if lens is None or not any(lens.distortion):
        return frame
    import cv2

    pixels = np.asarray(cv2.undistort(frame.pixels, lens.matrix, np.array(lens.distortion)))
    return replace(frame, pixels=pixels.reshape(frame.pixels.shape))


def _sizes(pair: FramePair) -> tuple[tuple[int, int], tuple[int, int]]:
    """(width, height) of the visible and of the infrared picture."""
    (height, width), (rows, columns) = pair.visible.pixels.shape[:2], pair.infrared.pixels.shape[:2]
    return (width, height), (columns, rows)


def _whole(stream: PairStream) -> Iterator[FramePair]:
    """The pairs of both cameras. Raises CoconetError if live cameras give none for a while."""
    last_s = time.monotonic()
    for pair in stream:
        if not pair.missing:
            yield pair
            last_s = time.monotonic()
        elif time.monotonic() - last_s > _PATIENCE_S:
            raise CoconetError(
                "cameras",
                wanted="pairs to align by",
                got=pair.notice,
                remedy="Check both cameras, then align again.",
                says=f"give no pairs to align by: {pair.notice}",
            )
