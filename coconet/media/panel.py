"""Panels and contact sheets: pictures side by side under captions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from coconet.errors import MissingPackage
from coconet.media.image import resize
from coconet.media.pixels import Pixels, as_bgr

try:
    import cv2
except ImportError as error:
    raise MissingPackage("cv2", job="writing captions into pictures", extra="headless") from error


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
    columns = [_captioned(as_bgr(pixels), caption) for pixels, caption in zip(pictures, captions, strict=True)]
    gap = np.full((columns[0].shape[0], GAP_PX, 3), PAPER, np.uint8)
    return np.hstack([part for column in columns for part in (gap, column)][1:])


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


@dataclass(frozen=True)
class Captioned:
    """A picture, (H, W, 3) BGR or (H, W, 1) gray uint8, and what stands above it."""

    text: str
    pixels: Pixels


def contact_sheet(rows: Sequence[Sequence[Captioned]], column_px: int) -> Pixels:
    """Draw rows below one another, each as captioned_row does: (H, W, 3) BGR uint8.

    All columns are column_px wide: a wider picture is made smaller, one that is less wide stands at the left. The rows
    have equally many pictures, those of a row are of one size. Letters outside ASCII appear as question marks.
    """
    return np.vstack(
        [captioned_row([_in_column(one.pixels, column_px) for one in row], [one.text for one in row]) for row in rows]
    )


def sheet_of_row(row: Sequence[Captioned], most_px: int) -> Pixels:
    """Draw one row, as contact_sheet does, in columns no wider than its widest picture, and most_px at most."""
    return contact_sheet([row], min(most_px, max(one.pixels.shape[1] for one in row)))


def _in_column(pixels: Pixels, column_px: int) -> Pixels:
    height, width = pixels.shape[:2]
    if width > column_px:
        return resize(pixels, column_px, max(1, round(height * column_px / width)))
    return np.pad(pixels, ((0, 0), (0, column_px - width), (0, 0)), constant_values=PAPER)
