"""Contact sheet: pictures side by side under captions, a row for each scene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coconet.errors import MissingPackage

try:
    import cv2
except ImportError as error:
    raise MissingPackage("cv2", job="drawing contact sheets") from error

Gray = NDArray[np.uint8]

CELL_PX = 320
"""Width of a picture on the sheet; larger ones are made smaller, smaller ones stay as they are."""
GAP_PX = 4
CAPTION_PX = 18
PAPER, INK = 24, 220


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
    cv2.putText(cell, caption.text, (2, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.4, INK, 1, cv2.LINE_AA)
    return cell
