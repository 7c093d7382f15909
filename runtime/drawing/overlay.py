"""The overlay: time, name, state, skew, age and meters, written into a corner of a picture."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import numpy as np

from coconet.media.pixels import Pixels
from coconet.runtime.badge import bar_height_px
from coconet.runtime.clock import pair_monotonic_ns
from coconet.runtime.drawing.text import LEAST_TEXT_PX, Text, fitting, lay_paper
from coconet.runtime.frame import STILL, FusedFrame
from coconet.runtime.look import OverlayItem, OverlayLook

_TEXT_SHARE = 1 / 36  # of the picture's height is the height of a letter at size 1

_LINE = 1.7  # heights of a letter from one line to the next


def _utc() -> datetime:
    return datetime.now(timezone.utc)


@dataclass(frozen=True)
class Clocks:
    """now_ns: the clock of live frames. utc: the time of day, with its zone."""

    now_ns: Callable[[], int] = time.monotonic_ns
    utc: Callable[[], datetime] = _utc


def draw_overlay(
    pixels: Pixels, frame: FusedFrame, look: OverlayLook, name: str = "", clocks: Clocks | None = None
) -> Pixels:
    """Return a copy of (H, W, 3) BGR or (H, W, 1) gray pixels with the lines of an overlay on dark paper in a corner.

    name: of the rig, if the look has none. Text is made smaller where the picture has no room for it; lines for which
    there is none even then are left out. It lies below a badge at the top, and above the bar of alarms.
    """
    lines = [text for item in look.show for text in _lines(item, frame, look.name or name, clocks or Clocks())]
    if not lines:
        return pixels
    picture: Pixels = np.array(pixels, order="C")
    height, width = picture.shape[:2]
    bar_px = bar_height_px(height)
    room_px = height - 2 * bar_px
    text_px = max(LEAST_TEXT_PX + 1, round(height * _TEXT_SHARE * look.size))
    text_px = max(LEAST_TEXT_PX, min(text_px, int(room_px / (_LINE * len(lines) + 1))))
    pad = max(2, text_px // 2)
    line_px = round(text_px * _LINE)
    written = [fitting(line, text_px, width - 2 * pad) for line in lines[: max(1, (room_px - pad) // line_px)]]
    smallest_px = min(line.text_px for line in written)  # all of them alike
    written = [fitting(line, smallest_px, width - 2 * pad) for line in lines[: len(written)]]
    wide_px, high_px = max(line.width_px for line in written) + 2 * pad, line_px * len(written) + pad
    left = 0 if "left" in look.place else width - wide_px
    top = bar_px * bool(frame.pair.notice) if "top" in look.place else height - high_px - bar_px
    _write(picture, written, (left, top, wide_px, high_px), line_px)
    return picture


def _write(picture: Pixels, lines: list[Text], box: tuple[int, int, int, int], line_px: int) -> None:
    left, top, wide_px, high_px = box
    lay_paper(picture, left, top, wide_px, high_px)
    pad = (high_px - line_px * len(lines)) // 2
    for at, line in enumerate(lines):
        line.draw(picture, left + pad, top + pad + at * line_px + (line_px + line.text_px) // 2)


def _lines(item: OverlayItem, frame: FusedFrame, name: str, clocks: Clocks) -> Iterator[str]:
    """What an item says of a frame; nothing if there is nothing to say."""
    pair, live = frame.pair, frame.capture_to_fused_ms is not None
    age = timedelta(microseconds=(clocks.now_ns() - pair_monotonic_ns(pair)) / 1e3)
    if item in ("utc", "local"):
        if live:
            then = clocks.utc() - age
            then = then if item == "utc" else then.astimezone()
            yield f"{then:%Y-%m-%d %H:%M:%S}.{then.microsecond // 100_000} {then:%Z}"
        elif item == "utc":
            yield pair.visible.name if pair.visible.stamps == STILL else f"recording {_time_in(pair.timestamp_ns)}"
    elif item == "name" and name:
        yield name
    elif item == "state":
        yield pair.notice or ("both cameras live" if live else "recording")
    elif item == "skew" and not pair.missing:
        yield f"skew {pair.skew_ns / 1e6:+.1f} ms"
    elif item == "age" and live:
        yield f"age {age / timedelta(milliseconds=1):.0f} ms"
    elif item == "meters" and pair.heat is not None:
        yield from (f"{reading.name} {reading}" for reading in pair.heat.readings)


def _time_in(stamp_ns: int) -> str:
    """A time within a recording as hours, minutes and seconds."""
    minutes, seconds = divmod(max(0, stamp_ns) / 1e9, 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02d}:{int(seconds * 10) / 10:04.1f}"
