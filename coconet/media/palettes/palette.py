"""Palettes by name: one table for what pictures are shown in and for what coloured pictures are turned back from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property, partial

import numpy as np
from numpy.typing import NDArray

from coconet.errors import CoconetError
from coconet.media.pixels import Pixels

Colours = NDArray[np.float32]
"""(256, 3) B, G, R of the levels from black to white, whole numbers of 0..255."""

Corners = tuple[tuple[float, int, int, int], ...]
"""Place between black and white, 0..1, and R, G, B there; between two corners the colours are mixed evenly."""

_IRONBOW: Corners = (
    *((0.000, 0, 0, 10), (0.007, 0, 0, 37), (0.030, 0, 0, 79), (0.065, 11, 0, 115), (0.074, 14, 0, 119)),
    *((0.106, 40, 0, 137), (0.141, 66, 0, 149), (0.206, 113, 0, 157), (0.245, 141, 0, 157), (0.296, 173, 0, 153)),
    *((0.350, 192, 7, 145), (0.387, 203, 20, 132), (0.421, 212, 34, 110), (0.444, 219, 46, 90), (0.488, 228, 65, 29)),
    *((0.528, 235, 81, 10), (0.611, 244, 115, 0), (0.713, 253, 162, 0), (0.808, 254, 205, 2), (0.840, 255, 218, 14)),
    *((0.868, 255, 227, 40), (0.912, 255, 240, 106), (0.951, 255, 247, 179), (1.000, 255, 255, 246)),
)
"""Corners of the palette that thermal cameras call iron, within 3 levels."""

_RAINBOW: Corners = (
    *((0.0, 24, 0, 72), (0.14, 16, 24, 208), (0.3, 0, 168, 232), (0.45, 24, 192, 72)),
    *((0.62, 240, 232, 24), (0.78, 255, 128, 0), (0.91, 232, 16, 40), (1.0, 255, 216, 232)),
)
"""From a cold violet over blue, green and yellow to red, and nearly white at the end."""

_RED_HOT: Corners = ((0.0, 0, 0, 0), (0.75, 200, 200, 200), (0.82, 255, 180, 60), (1.0, 220, 0, 0))
"""Gray but for the hottest quarter, which turns over orange to red."""

_ARCTIC: Corners = (
    *((0.0, 8, 8, 40), (0.25, 24, 48, 144), (0.5, 64, 136, 216), (0.68, 160, 208, 232)),
    *((0.84, 248, 208, 104), (1.0, 255, 248, 208)),
)
"""Ice in blue, what is warm in gold; ever brighter."""

_ORDER_SLACK = 1.0  # of L*, which rounding to 8 bits may step back by; a step of that size is hardly seen

_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])  # Y of linear R, G and B under D65


@dataclass(frozen=True)
class Recipe:
    """How a palette is made.

    colours: gives (256, 3) R, G, B of 0..255. shown: whether pictures are shown in it; the others are only turned back.
    found: whether a coloured picture is held against it without being told to.
    """

    colours: Callable[[], NDArray[np.float64]]
    shown: bool = False
    found: bool = False


def _mixed(corners: Corners) -> NDArray[np.float64]:
    places, *channels = np.array(corners).T
    return np.stack([np.interp(np.linspace(0, 1, 256), places, channel) for channel in channels], axis=1)


def _gnuplot() -> NDArray[np.float64]:
    share = np.linspace(0, 1, 256)
    return 255 * np.stack([np.sqrt(share), share**3, np.clip(np.sin(2 * np.pi * share), 0, 1)], axis=1)


def _opencv(name: str) -> NDArray[np.float64]:
    import cv2

    levels = np.arange(256, dtype=np.uint8)[:, None]
    colours = cv2.applyColorMap(levels, getattr(cv2, f"COLORMAP_{name.upper()}")).reshape(256, 3)
    return np.asarray(colours[:, ::-1], np.float64)


_OPENCV_ONLY = ("jet", "magma", "plasma", "hot", "parula", "bone")

PALETTES: dict[str, Recipe] = {
    "white-hot": Recipe(partial(_mixed, ((0.0, 0, 0, 0), (1.0, 255, 255, 255))), shown=True),
    "black-hot": Recipe(partial(_mixed, ((0.0, 255, 255, 255), (1.0, 0, 0, 0))), shown=True),
    "ironbow": Recipe(partial(_mixed, _IRONBOW), shown=True, found=True),
    "rainbow": Recipe(partial(_mixed, _RAINBOW), shown=True),
    "red-hot": Recipe(partial(_mixed, _RED_HOT), shown=True),
    "arctic": Recipe(partial(_mixed, _ARCTIC), shown=True),
    **{name: Recipe(partial(_opencv, name), shown=True, found=True) for name in ("inferno", "turbo", "viridis")},
    "gnuplot": Recipe(_gnuplot, found=True),
    **{name: Recipe(partial(_opencv, name), found=True) for name in _OPENCV_ONLY},
    "opencv-rainbow": Recipe(partial(_opencv, "rainbow"), found=True),  # begins with red, where others end
}
"""All palettes by name."""

SHOWN: tuple[str, ...] = tuple(name for name, recipe in PALETTES.items() if recipe.shown)
"""Those that pictures are shown in."""


@cache
def palette_colours(name: str) -> Colours:
    """The colours of a palette by its name in PALETTES; they are not to be changed."""
    colours = np.rint(PALETTES[name].colours()[:, ::-1]).astype(np.float32)
    colours.flags.writeable = False
    return colours


@dataclass(frozen=True, eq=False)
class Palette:
    """A palette that pictures are shown in. bgr: (256, 1, 3) uint8, the colour of each level from cold to hot."""

    name: str
    bgr: NDArray[np.uint8]

    @classmethod
    def of(cls, name: str, colours: Colours) -> Palette:
        """Make one of (256, 3) B, G, R."""
        return cls(name, np.ascontiguousarray(colours, np.uint8).reshape(256, 1, 3))

    def turned(self) -> Palette:
        """The same colours from hot to cold."""
        return Palette(self.name, np.ascontiguousarray(self.bgr[::-1]))

    def apply(self, gray: Pixels) -> Pixels:
        """(H, W, 1) levels in the colours: (H, W, 3) BGR, or (H, W, 1) in a gray palette, white-hot the levels."""
        if self._is_white_hot:
            return gray
        import cv2

        levels = np.ascontiguousarray(gray)
        if self._is_gray:
            return np.asarray(cv2.LUT(levels, self.bgr[:, 0, 0]), np.uint8).reshape(gray.shape)
        return np.asarray(cv2.applyColorMap(levels, self.bgr), np.uint8)

    @cached_property
    def _is_gray(self) -> bool:
        return bool((np.ptp(self.bgr, axis=2) == 0).all())

    @cached_property
    def _is_white_hot(self) -> bool:
        return self._is_gray and bool((self.bgr[:, 0, 0] == np.arange(256)).all())

    @property
    def is_ordered(self) -> bool:
        """Whether lightness (L* of CIELAB) goes one way from cold to hot, so that what looks brighter is hotter."""
        lightness = _lightness(self.bgr.reshape(256, 3))
        if lightness[0] > lightness[-1]:
            lightness = -lightness
        return bool((np.maximum.accumulate(lightness) - lightness).max() <= _ORDER_SLACK)

    @property
    def swatch(self) -> list[str]:
        """Nine colours from cold to hot as #rrggbb, for a button."""
        picked = self.bgr.reshape(256, 3)[np.linspace(0, 255, 9).round().astype(int), ::-1].tolist()
        return [f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in picked]


@cache
def named_palette(name: str) -> Palette:
    """A palette of SHOWN by its name. Raises CoconetError for any other."""
    if name not in SHOWN:
        raise CoconetError(
            "colours",
            wanted=", ".join(SHOWN),
            got="another name",
            remedy="Choose one of them.",
            says=f"must be one of {', '.join(SHOWN)}",
        )
    return Palette.of(name, palette_colours(name))


def _lightness(bgr: NDArray[np.uint8]) -> NDArray[np.float64]:
    """L* of CIE 1976 of sRGB colours under D65, 0..100."""
    share = bgr[:, ::-1] / 255.0
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    bright = linear @ _LUMINANCE
    lightness: NDArray[np.float64] = np.where(
        bright > (6 / 29) ** 3, 116 * np.cbrt(bright) - 16, bright * (29 / 3) ** 3
    )
    return lightness
