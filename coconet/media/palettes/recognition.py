"""Coloured infrared pictures: the palette that they are shown in recognised, and turned back into gray."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from coconet.event_log import warn_once
from coconet.media.palettes.palette import PALETTES, Colours, palette_colours
from coconet.media.pixels import Pixels, RawPixels, as_gray

_FOUND = tuple(name for name, recipe in PALETTES.items() if recipe.found)

_GRAY = ("white-hot", "black-hot")

_NAMES = tuple(name for name in PALETTES if name not in _GRAY)

PALETTE_WORDS = ("auto", "luma", *_NAMES)
"""auto: found by itself if it is clear, else the luma. luma: never turned back. The rest are palettes."""

_COLOUR_SPREAD = 24  # between the largest and the smallest of B, G and R; JPEG gives gray pictures up to 8

_COLOUR_SHARE = 0.02  # of the pixels; below, it may be writing or a crosshair

_SAMPLES = 4096

_NEAR = 32.0  # in B, G, R: what JPEG and 4:2:0 do to a colour

_CLEAR_SHARE = 0.85

_BETTER_THAN_GRAY = 0.5

_LEAST_SPAN = 40  # of 256 levels

_LONGEST_PAUSE = 63  # pictures of a stream between two searches: two seconds

_CHUNK = 1 << 14


def is_coloured(pixels: RawPixels) -> bool:
    """Whether (H, W, 3) 8 bit pixels show colours on more than a line of writing; one channel never does."""
    if pixels.shape[2] != 3:
        return False
    sample = _sample(pixels).astype(np.int16)
    return bool((np.ptp(sample, axis=1) > _COLOUR_SPREAD).mean() > _COLOUR_SHARE)


def found_palette(pixels: Pixels) -> str | None:
    """The palette that a coloured (H, W, 3) BGR picture is clearly shown in; None if there is none."""
    sample = _sample(pixels).astype(np.float32)
    distances = {name: np.sqrt(_nearest(sample, palette_colours(name))[1]) for name in _FOUND}
    name = min(distances, key=lambda one: float(np.minimum(distances[one], 2 * _NEAR).mean()))
    return name if _fits(sample, name) else None


def _fits(sample: Colours, name: str) -> bool:
    """Whether (N, 3) colours are clearly those of a palette."""
    to_gray = np.linalg.norm(sample - sample.mean(axis=1, keepdims=True), axis=1).mean()
    levels, squares = _nearest(sample, palette_colours(name))
    distances = np.sqrt(squares)
    if not _tells(levels):
        return False
    return bool((distances <= _NEAR).mean() >= _CLEAR_SHARE and distances.mean() <= _BETTER_THAN_GRAY * to_gray)


def _tells(levels: NDArray[np.intp]) -> bool:
    """Whether (N,) levels of a palette are far enough apart: a patch of one colour lies on some palette or other."""
    low, high = np.percentile(levels, (2, 98))
    return bool(high - low >= _LEAST_SPAN)


def turned_back(pixels: Pixels, name: str) -> Pixels:
    """(H, W, 3) BGR in a palette to (H, W, 1) gray: the level whose colour is nearest, of every pixel."""
    return _inverse(name)(pixels)


class InfraredGray:
    """Makes infrared pictures of one source gray; remembers the palette and warns once about colours.

    palette: one of PALETTE_WORDS. used: the palette that pictures were turned back from, or `luma` where one had
    colours of none; empty while all were gray.
    """

    def __init__(self, palette: str, where: str, *, follows: bool = False) -> None:
        """follows: whether pictures follow each other, as in a stream.

        The palette found last is then tried first, and a picture that does not tell keeps it. While none is found, it
        is looked for ever more rarely: a search takes longer than a frame may.
        """
        self._palette, self._where, self._follows, self.used = palette, where, follows, ""
        self._pause, self._resting = 0, 0

    @property
    def wants_colour(self) -> bool:
        """Whether colours say anything: with the word luma they do not."""
        return self._palette != "luma"

    def __call__(self, pixels: RawPixels) -> RawPixels:
        """(H, W, 1) pixels as they are; (H, W, 3) BGR of 8 or 16 bit to (H, W, 1), of three equal channels the one."""
        if pixels.shape[2] == 1:
            return pixels
        if pixels.dtype == np.uint16:
            if np.array_equal(pixels[:, :, 0], pixels[:, :, 1]) and np.array_equal(pixels[:, :, 0], pixels[:, :, 2]):
                return np.ascontiguousarray(pixels[:, :, :1])
            pixels = np.rint(pixels / 257).astype(np.uint8)
        name = self._chosen(pixels) if self.wants_colour else "luma"
        if self.wants_colour and (name != "luma" or is_coloured(pixels)):
            self.used = name
        if name == "luma":
            return as_gray(pixels)
        return turned_back(pixels, name)

    def _chosen(self, pixels: Pixels) -> str:
        """The palette of this picture, or luma."""
        if not is_coloured(pixels):
            return self.used or "luma"
        if self._palette != "auto":
            return self._palette
        if self._follows and self.used in _NAMES and self._goes_on(pixels):
            return self.used
        if self._resting:
            self._resting -= 1
            return "luma"
        found = found_palette(pixels)
        if self._follows:
            self._pause = 0 if found else min(2 * self._pause + 1, _LONGEST_PAUSE)
            self._resting = self._pause
        if found is not None:
            warn_once(
                f"{self._where}: the infrared is in colours, those of the palette {found}; they are turned back into "
                f"gray. Say --palette {found} to be sure of it, or --palette luma for the luma."
            )
        else:
            warn_once(
                f"{self._where}: are the two sides swapped? The infrared is in colours of no known palette, so its "
                "luma is taken, which is not heat. If they are not, set the camera to white-hot, or name the palette: "
                f"--palette {'|'.join(_NAMES)}; --palette luma says that the luma is meant."
            )
        return found or "luma"

    def _goes_on(self, pixels: Pixels) -> bool:
        """Whether a picture of a stream may be in the palette of those before it."""
        sample = _sample(pixels).astype(np.float32)
        return _fits(sample, self.used) or not _tells(_nearest(sample, palette_colours(self.used))[0])


def warn_if_swapped(visible: RawPixels, infrared_palette: str, where: str) -> None:
    """Warn where the infrared has colours of no palette and the visible has none; see InfraredGray.used."""
    if infrared_palette == "luma" and not is_coloured(visible):
        warn_once(f"{where}: the infrared is in colour and the visible is not; are the two sides swapped?")


class _Inverse:
    """Looks nearest levels up in a table that fills as colours come."""

    def __init__(self, colours: Colours) -> None:
        self._colours = colours
        self._levels, self._known = np.zeros(1 << 24, np.uint8), np.zeros(1 << 24, np.bool_)

    def __call__(self, pixels: Pixels) -> Pixels:
        wide = pixels.astype(np.uint32)
        packed = wide[:, :, 0] | wide[:, :, 1] << 8 | wide[:, :, 2] << 16
        new = np.unique(packed[~self._known[packed]])
        if new.size:
            colours = np.stack([new & 255, new >> 8 & 255, new >> 16], axis=1).astype(np.float32)
            self._levels[new] = _nearest(colours, self._colours)[0]
            self._known[new] = True
        levels: Pixels = self._levels[packed][:, :, None]
        return levels


@cache
def _inverse(name: str) -> _Inverse:
    return _Inverse(palette_colours(name))


def _nearest(colours: Colours, palette: Colours) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """The nearest of 256 colours to each of N, and the squared distance to it."""
    levels, squares = [], []
    for start in range(0, len(colours), _CHUNK):
        part = colours[start : start + _CHUNK]
        distance = (palette**2).sum(axis=1) - 2 * part @ palette.T
        level = distance.argmin(axis=1)
        levels.append(level)
        squares.append(np.maximum(distance[np.arange(len(part)), level] + (part**2).sum(axis=1), 0))
    return np.concatenate(levels), np.concatenate(squares)


def _sample(pixels: RawPixels) -> RawPixels:
    """At most about 4096 pixels of (H, W, 3), evenly spread, as (N, 3)."""
    step = max(1, int(np.sqrt(pixels.shape[0] * pixels.shape[1] / _SAMPLES)))
    return pixels[::step, ::step].reshape(-1, 3)
