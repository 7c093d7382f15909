"""Text on pictures: a line of a height, on paper of its own, so that it can be read on any ground."""

from __future__ import annotations

import unicodedata
from itertools import zip_longest

from coconet.errors import MissingPackage
from coconet.media.pixels import Pixels

try:
    import cv2
except ImportError as error:
    raise MissingPackage("cv2", job="writing into pictures", extra="headless") from error

PAPER, INK = (24, 24, 24), (255, 255, 255)  # BGR

LEAST_TEXT_PX = 6
"""The height of a capital below which the font cannot be read."""

_FONT = cv2.FONT_HERSHEY_SIMPLEX

_CAPITAL_PX = 21  # at scale 1

_PX_PER_STROKE = 10


class Text:
    """A line of text. width_px: how wide it is. text_px: how high its capitals are.

    The font has ASCII only: a degree sign is drawn as a ring, letters lose their accents, the rest are question marks.
    """

    def __init__(self, text: str, text_px: int) -> None:
        self.text_px, self._scale = text_px, text_px / _CAPITAL_PX
        self._thickness = max(1, round(text_px / _PX_PER_STROKE))
        self._ring_px = max(1, text_px // 6)
        self._parts = [_ascii(part) for part in text.split("°")]
        rings = len(self._parts) - 1
        self.width_px = sum(map(self._width_of, self._parts)) + rings * 4 * self._ring_px

    def draw(self, picture: Pixels, left: int, base: int, ink: tuple[int, ...] = INK) -> None:
        """Write into (H, W, 3) BGR or (H, W, 1) gray pixels, from `left` on, the foot of the capitals at `base`."""
        shade, ring, x = shade_of(picture, ink), self._ring_px, left
        for part, after in zip_longest(self._parts, self._parts[1:]):
            cv2.putText(picture, part, (x, base), _FONT, self._scale, shade, self._thickness, cv2.LINE_AA)
            x += self._width_of(part)
            if after is not None:
                middle = (x + 2 * ring, base - self.text_px + ring)
                cv2.circle(picture, middle, ring, shade, max(1, self._thickness // 2), cv2.LINE_AA)
                x += 4 * ring

    def _width_of(self, text: str) -> int:
        return int(cv2.getTextSize(text, _FONT, self._scale, self._thickness)[0][0]) if text else 0


def fitting(text: str, text_px: int, width_px: int) -> Text:
    """A line that is no wider than that: smaller if it has to be, and cut off if that would not be readable."""
    line = Text(text, text_px)
    while line.width_px > width_px and line.text_px > LEAST_TEXT_PX:
        line = Text(text, line.text_px - 1)
    while line.width_px > width_px and text:
        text = text[:-1]
        line = Text(text, line.text_px)
    return line


def lay_paper(picture: Pixels, left: int, top: int, width: int, height: int) -> None:
    """Make a rectangle dark, as far as it lies in the picture."""
    picture[max(0, top) : max(0, top + height), max(0, left) : max(0, left + width)] = shade_of(picture, PAPER)


def shade_of(picture: Pixels, colour: tuple[int, ...]) -> tuple[int, ...]:
    """A gray colour as the picture has it, BGR or gray."""
    return colour if picture.shape[2] == 3 else colour[:1]


def _ascii(text: str) -> str:
    plain = (letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    return "".join(letter if " " <= letter <= "~" else "?" for letter in plain)
