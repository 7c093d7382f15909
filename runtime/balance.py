"""The balance: how far the brightness of a fused picture follows the infrared one, after the model and without it."""

from __future__ import annotations

from functools import lru_cache
from types import ModuleType
from typing import Annotated

import numpy as np
from pydantic import Field

from coconet.config import Checked
from coconet.errors import MissingPackage
from coconet.media.pixels import Pixels, join_luma, split_luma
from coconet.runtime.heat.placing import Placing

Heat = Annotated[float, Field(ge=0, le=100)]
"""0: the visible picture alone. 50: what the model made. 100: the brightness of the infrared picture, in the colours of
the visible one. Between them the picture goes evenly from the one to the other."""

AS_MADE = 50.0
"""The heat that changes nothing."""

_ALL = 100.0


class FusionTable(Checked):
    """`[fusion]`: what is made of both pictures. heat: how far the brightness follows the infrared one, 0 to 100."""

    heat: Heat = AS_MADE


def apply_heat(fused: Pixels, visible: Pixels, infrared: Pixels, heat: float, covered: Pixels | None = None) -> Pixels:
    """The fused picture with more or less of the infrared one: uint8, shaped like `visible`.

    fused, visible: (H, W, 3) BGR or both (H, W, 1) gray. infrared: (H, W, 1), laid onto the visible picture. All uint8.
    heat: 0 gives `visible` itself, 50 `fused` itself. Every pixel goes in a straight line from the one to the other,
    and from `fused` on to the picture that 100 gives: the Y of Y'CbCr (BT.601, full range) is the infrared level, and
    Cb and Cr are those of the visible picture, to a level each. A colour that cannot be that bright or dark is clipped.
    covered: (H, W, 1), 255 where there is infrared, 0 without any, for which 100 gives the visible picture, and a
    share at the border; None if all of it is covered.
    """
    if heat == AS_MADE:
        return fused
    if heat < AS_MADE:
        return _mix(visible, fused, heat / AS_MADE)
    return _mix(fused, _lead_by_infrared(visible, infrared, covered), (heat - AS_MADE) / (_ALL - AS_MADE))


@lru_cache(maxsize=4)
def find_coverage(placing: Placing, infrared_px: tuple[int, int], visible_px: tuple[int, int]) -> Pixels | None:
    """Where an infrared picture of (width, height) that lies so covers a visible one, as `apply_heat` takes it."""
    laid = placing.lay(np.full((infrared_px[1], infrared_px[0], 1), 255, np.uint8), visible_px)
    return None if laid.min() == 255 else laid


def _lead_by_infrared(visible: Pixels, infrared: Pixels, covered: Pixels | None) -> Pixels:
    """The visible picture with the infrared one as its brightness, where there is one."""
    luma, colours = split_luma(visible)
    if covered is None:
        return join_luma(infrared, colours)
    cv2 = _opencv()  # what is laid is black beyond its border, and fades to that: it holds its own share
    bare = cv2.multiply(luma[:, :, 0], 255 - covered[:, :, 0], scale=1 / 255)
    level = np.asarray(cv2.add(bare, infrared[:, :, 0]), np.uint8)
    return join_luma(level[:, :, None], colours)


def _mix(first: Pixels, second: Pixels, share: float) -> Pixels:
    """A picture between two, that share of the way from the first to the second; either end is the picture itself."""
    if share in (0, 1):
        return second if share else first
    mixed = _opencv().addWeighted(first, 1 - share, second, share, 0)
    return np.asarray(mixed, np.uint8).reshape(first.shape)  # OpenCV drops the axis of a single channel


def _opencv() -> ModuleType:
    """OpenCV, which a picture as the model made it does not need."""
    try:
        import cv2
    except ImportError as error:
        raise MissingPackage("cv2", job="making the heat of a picture stronger or weaker", extra="headless") from error
    return cv2
