"""The colour bar: which colour of a palette stands for which temperature, or for which counts."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from coconet.media.palettes.palette import Palette
from coconet.media.pixels import Pixels, as_bgr
from coconet.media.thermal import LevelScale
from coconet.runtime.drawing.text import LEAST_TEXT_PX, Text, lay_paper
from coconet.runtime.frame import FramePair
from coconet.runtime.heat.temperature import SIGNS

_LONG_SHARE, _WIDE_SHARE = 0.6, 1 / 30  # of the picture's height

_TEXT_SHARE = 1 / 36

_LINE_SHARE = 2.5  # of the height of a letter, from one number to the next


def draw_colour_bar(pixels: Pixels, palette: Palette, pair: FramePair, size: float = 1.0) -> Pixels:
    """Return a copy of (H, W, 3 or 1) pixels as BGR with a bar at the right edge, hot on top, and what colours mean.

    size: of the text; 1 is 1/36 of the height.
    Degrees are those of the rig's thermometer. A rig without one has counts. Numbers are left out if none would be
    right: while the thermometer is blind, and with the contrast clahe.
    """
    picture: Pixels = np.array(as_bgr(pixels), order="C")
    height, width = picture.shape[:2]
    text_px = max(LEAST_TEXT_PX + 1, round(height * _TEXT_SHARE * size))
    long_px, wide_px = max(8, round(height * _LONG_SHARE)), max(4, round(height * _WIDE_SHARE))
    top, gap = (height - long_px) // 2, max(2, text_px // 3)
    left = width - wide_px - gap
    rows = np.rint(np.linspace(255, 0, long_px)).astype(np.intp)
    count = min(5, int(long_px / (_LINE_SHARE * text_px)) + 1)
    numbers = [(share, Text(text, text_px)) for share, text in _numbers(pair, max(2, count))]
    paper_px = max((line.width_px + gap for _, line in numbers), default=0) + gap
    margin = gap + text_px // 2
    lay_paper(picture, left - paper_px, top - margin, wide_px + paper_px + gap, long_px + 2 * margin)
    picture[top : top + long_px, max(0, left) : left + wide_px] = palette.bgr[rows]
    for share, line in numbers:
        line.draw(picture, left - gap - line.width_px, top + round((1 - share) * (long_px - 1)) + text_px // 2)
    return picture


def _numbers(pair: FramePair, count: int) -> Iterator[tuple[float, str]]:
    """Places on the bar, 0..1 from cold to hot, and what stands beside them; the hottest has the unit."""
    shares, scale, heat = np.linspace(0, 1, count), _scale_of(pair), pair.heat
    if scale is None:
        return
    samples: NDArray[np.float64] = scale.samples_at(shares * 255)
    if heat is None:
        digits = 0 if abs(samples[-1] - samples[0]) >= count else 2
        yield from ((share, f"{sample:.{digits}f}") for share, sample in zip(shares, samples, strict=True))
        return
    degrees = heat.degrees_at(samples)
    if degrees is None:
        return
    for share, value in zip(shares, degrees, strict=True):
        sign = SIGNS[heat.unit] if share == 1 else ""
        yield share, "--" if np.isnan(value) else f"{value:.1f}{' ' if sign == 'K' else ''}{sign}"


def _scale_of(pair: FramePair) -> LevelScale | None:
    """Which samples levels stand for; those of an 8 bit picture that is taken as it is are themselves."""
    raw = pair.raw_infrared
    untouched = pair.infrared.scale is None and raw is not None and raw.pixels.dtype == np.uint8
    return LevelScale((0.0, 255.0)) if untouched else pair.infrared.scale
