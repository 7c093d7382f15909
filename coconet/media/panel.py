"""Panels and contact sheets: pictures side by side under captions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coconet.errors import MissingPackage
from coconet.media.pixels import Pixels

try:
    import cv2
except ImportError as error:
    raise MissingPackage("cv2", job="writing captions into pictures") from error


CAPTIONS = ("infrared", "visible", "fused")

BAND_PX = 24

GAP_PX = 4

MARGIN_PX = 6

FONT, FONT_SCALE = cv2.FONT_HERSHEY_SIMPLEX, 0.5

INK = (235, 235, 235)

PAPER = 24


def captioned_row(pictures: Sequence[Pixels], captions: Sequence[str]) -> Pixels:
    """Pictures of one height, BGR or gray, as one: (H + 24, all widths and 4 between them, 3) BGR uint8.

    A caption wider than its picture loses its end.
    """
    columns = [_captioned(_bgr(pixels), caption) for pixels, caption in zip(pictures, captions, strict=True)]
    gap = np.full((columns[0].shape[0], GAP_PX, 3), PAPER, np.uint8)
    return np.hstack([part for column in columns for part in (gap, column)][1:])


def _bgr(pixels: Pixels) -> Pixels:
    return pixels if pixels.shape[2] == 3 else np.repeat(pixels, 3, axis=2)


def _captioned(pixels: Pixels, caption: str) -> Pixels:
    width = pixels.shape[1]
    band = np.full((BAND_PX, width, 3), PAPER, np.uint8)
    while caption and _text_width(caption) > width - 2 * MARGIN_PX:
        caption = caption[:-1]
    cv2.putText(band, caption, (MARGIN_PX, BAND_PX - 8), FONT, FONT_SCALE, INK, 1, cv2.LINE_AA)
    return np.vstack([band, pixels])


def _text_width(text: str) -> int:
    (width, _), _ = cv2.getTextSize(text, FONT, FONT_SCALE, 1)
    return int(width)


Gray = NDArray[np.uint8]

CELL_PX = 320
"""Width of a picture on the sheet; larger ones are made smaller, smaller ones stay as they are."""

CAPTION_PX = 18

GRAY_INK = 220


@dataclass(frozen=True)
class Caption:
    """A picture, (H, W) uint8, and what stands above it."""

    text: str
    picture: Gray


def contact_sheet(rows: Sequence[Sequence[Caption]]) -> Gray:
    """Draw the rows below one another: (H, W, 1) uint8. The pictures of a row have one size, rows equally many.

    Letters outside ASCII appear as question marks.
    """
    return np.vstack([np.hstack([_cell(caption) for caption in row]) for row in rows])[:, :, None]


def _cell(caption: Caption) -> Gray:
    height, width = caption.picture.shape
    if width > CELL_PX:
        height, width = max(1, round(height * CELL_PX / width)), CELL_PX
    cell = np.full((CAPTION_PX + height + GAP_PX, CELL_PX + GAP_PX), PAPER, np.uint8)
    cell[CAPTION_PX : CAPTION_PX + height, :width] = cv2.resize(
        caption.picture, (width, height), interpolation=cv2.INTER_AREA
    )
    cv2.putText(cell, caption.text, (2, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.4, GRAY_INK, 1, cv2.LINE_AA)
    return cell
