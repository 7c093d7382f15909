"""Meters drawn on a picture: their outlines, marks at what is hottest and coldest, and labels that stay readable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coconet.errors import MissingPackage
from coconet.media.pixels import Pixels
from coconet.runtime.drawing.text import INK, PAPER, Text, lay_paper, shade_of
from coconet.runtime.heat.meter import MeterTable
from coconet.runtime.heat.placing import Placing
from coconet.runtime.heat.reading import Heat, Reading

try:
    import cv2
except ImportError as error:
    raise MissingPackage("cv2", job="drawing meters", extra="headless") from error


_BLIND = (150, 150, 150)  # BGR, on gray as on colour

_TEXT_SHARE = 1 / 32  # of the picture's height is the height of a letter

_LEAST_TEXT_PX, _MOST_TEXT_PX = 7, 48

Corners = NDArray[np.float64]


@dataclass(frozen=True)
class _Box:
    """Where a label is: left, top, width and height, in pixels."""

    left: int
    top: int
    width: int
    height: int

    def meets(self, other: _Box) -> bool:
        across = self.left < other.left + other.width and other.left < self.left + self.width
        return across and self.top < other.top + other.height and other.top < self.top + self.height


def draw_meters(pixels: Pixels, heat: Heat) -> Pixels:
    """Return a copy of (H, W, 3) BGR or (H, W, 1) gray pixels of the size of the visible picture, with its meters.

    Every meter has a label that lies within the picture and on no other label, as long as there is room. A meter
    that reads nothing is drawn in gray, without a number. No outline crosses a label. What lies outside of the picture
    is not drawn.
    """
    picture: Pixels = np.array(pixels, order="C")
    height, width = picture.shape[:2]
    text_px = round(min(_MOST_TEXT_PX, max(_LEAST_TEXT_PX, height * _TEXT_SHARE)))
    taken: list[_Box] = []
    labels: list[tuple[_Label, tuple[int, ...]]] = []
    for meter, reading in zip(heat.meters, heat.readings, strict=True):
        corners = _corners(meter, reading, heat.placing)
        if corners is None or not _touches(corners, width, height):
            continue
        ink: tuple[int, ...] = INK if reading.value is not None or reading.beyond else _BLIND
        _outline(picture, meter, corners, ink, text_px)
        label = _Label(meter.name, reading, text_px)
        taken.append(label.place_beside(corners, (width, height), taken))
        labels.append((label, ink))
    for (label, ink), place in zip(labels, taken, strict=True):
        label.draw(picture, place, ink)
    return picture


def _corners(meter: MeterTable, reading: Reading, placing: Placing | None) -> Corners | None:
    """The points of a meter in the visible picture; None if they are not known."""
    if meter.kind in ("hottest", "coldest"):
        return None if placing is None or reading.at_px is None else placing.in_visible([reading.at_px])
    points: Sequence[tuple[float, float]] = meter.points_px
    if meter.kind == "box":
        (left, top), (right, bottom) = points
        points = ((left, top), (right, top), (right, bottom), (left, bottom))
    if meter.pixels == "visible":
        return np.array(points, np.float64)
    return None if placing is None else placing.in_visible(points)


def _touches(corners: Corners, width: int, height: int) -> bool:
    if not np.isfinite(corners).all():
        return False
    (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
    return bool(right >= 0 and bottom >= 0 and left < width and top < height)


def _outline(picture: Pixels, meter: MeterTable, corners: Corners, ink: tuple[int, ...], text_px: int) -> None:
    points = np.rint(np.clip(corners, -30_000, 30_000)).astype(np.int32)
    for colour, thickness in ((PAPER, 3), (ink, 1)):  # dark around bright is seen on everything
        shade = shade_of(picture, colour)
        if len(points) == 1:
            reach, (x, y) = max(4, text_px // 2), points[0].tolist()
            cv2.line(picture, (x - reach, y), (x + reach, y), shade, thickness)
            cv2.line(picture, (x, y - reach), (x, y + reach), shade, thickness)
        else:
            cv2.polylines(picture, [points], meter.kind != "line", shade, thickness, cv2.LINE_AA)


class _Label:
    """A name and a number on dark paper."""

    def __init__(self, name: str, reading: Reading, text_px: int) -> None:
        number = str(reading) if reading.value is not None or (reading.beyond and reading.limit is not None) else "--"
        self._text, self._text_px = Text(f"{name} {number}", text_px), text_px
        self._pad_px = max(2, text_px // 4)

    def place_beside(self, corners: Corners, size_px: tuple[int, int], taken: Sequence[_Box]) -> _Box:
        """The first free place of: above, below, right and left of the meter, then line by line down the picture."""
        gap = self._pad_px
        width, height = self._text.width_px + 2 * gap, self._text_px + 2 * gap
        (left, top), (right, bottom) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
        middle, reach = (left + right) / 2, gap + self._text_px // 2
        wanted = [
            (middle - width / 2, top - height - reach),
            (middle - width / 2, bottom + reach),
            (right + reach, (top + bottom - height) / 2),
            (left - width - reach, (top + bottom - height) / 2),
            *((middle - width / 2, line * height) for line in range(max(1, size_px[1] // height))),
            *((0, line * height) for line in range(max(1, size_px[1] // height))),
        ]
        boxes = [self._within(x, y, width, height, size_px) for x, y in wanted]
        return next((box for box in boxes if not any(map(box.meets, taken))), boxes[0])

    def draw(self, picture: Pixels, box: _Box, ink: tuple[int, ...]) -> None:
        """Write the label where there is room for it."""
        lay_paper(picture, box.left, box.top, box.width, box.height)
        self._text.draw(picture, box.left + self._pad_px, box.top + box.height - self._pad_px, ink)

    @staticmethod
    def _within(x: float, y: float, width: int, height: int, size_px: tuple[int, int]) -> _Box:
        left, top = (
            max(0, min(round(at), side - own)) for at, side, own in zip((x, y), size_px, (width, height), strict=True)
        )
        return _Box(left, top, width, height)
