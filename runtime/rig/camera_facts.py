"""Facts of a camera, from its first frames: its size, rate, depth, codec, clock and delay."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from coconet.runtime.cameras.camera import Camera
from coconet.runtime.frame import STILL, Frame, StampKind

_FRAMES, _SECONDS = 60, 4.0

_LATE_SHARE = 0.95

_UNSETTLED = 3
"""The first third of the frames says nothing of delays: what was sent before a stream was caught up with comes late."""

_EVEN = 0.2  # of the usual step: within that, half of the steps of an even stream lie


@dataclass(frozen=True)
class CameraFacts:
    """What the first frames of a camera tell.

    size_px: (width, height). samples: their type, as uint8. fps: by the stamps, None of fewer than three frames.
    stamps: whose time they are. codec: its name, empty if there is none. begins_s: the first stamp of a recording.
    opened_s: how long the address took to give its first frame. jitter_ms: within which 95 % of the live frames arrive
    after the one that was on its way for the shortest time; None for recordings. palette: the colours that an infrared
    picture was turned back from, empty if it came gray.
    """

    name: str
    size_px: tuple[int, int]
    channels: int
    samples: str
    fps: float | None
    stamps: StampKind
    codec: str
    realtime: bool
    begins_s: float
    opened_s: float
    jitter_ms: float | None = None
    palette: str = ""

    def __str__(self) -> str:
        rate = f", {self.fps:.4g} fps" if self.fps else ""
        codec = f", {self.codec}" if self.codec else ""
        colour = _colour_in_words(self.channels, self.palette)
        delay = f", first frame after {self.opened_s:.1f} s" if self.realtime else ""
        jitter = f", up to {self.jitter_ms:.0f} ms late" if self.jitter_ms is not None else ""
        begins = f", stamps begin at {self.begins_s:.3f} s" if not self.realtime and self.begins_s else ""
        width, height = self.size_px
        picture = f"{width}x{height}{rate}, {_depth(self.samples)} {colour}{codec}"
        return f"{picture}, clock: {self.stamps}{begins}{delay}{jitter}"


def probe_camera(opened: Callable[[], Camera]) -> CameraFacts | None:
    """Open a camera, read it for up to 60 frames or 4 s, and close it; None for one that gives no frame.

    Raises what opening and reading raise.
    """
    begun = time.monotonic()
    with closing(opened()) as camera:
        frames: list[tuple[Frame, int]] = []
        opened_s = 0.0
        while not frames or (len(frames) < _FRAMES and time.monotonic() - begun < _SECONDS + opened_s):
            frame = camera.read()
            if frame is None:
                break
            opened_s = opened_s or time.monotonic() - begun
            frames.append((frame, time.monotonic_ns()))
        if not frames:
            return None
        return _facts_of(camera, frames, opened_s)


def _facts_of(camera: Camera, frames: list[tuple[Frame, int]], opened_s: float) -> CameraFacts:
    first = frames[-1][0]
    height, width, channels = first.pixels.shape
    stamps = [frame.timestamp_ns for frame, _ in frames]
    steps = [later - earlier for earlier, later in pairwise(stamps) if later > earlier]
    return CameraFacts(
        name=camera.name,
        size_px=(width, height),
        channels=channels,
        samples=str(first.pixels.dtype),
        fps=_rate(steps, live=camera.realtime) if len(steps) > 1 and first.stamps != STILL else None,
        stamps=first.stamps,
        codec=getattr(camera, "codec", ""),
        realtime=camera.realtime,
        begins_s=stamps[0] / 1e9,
        opened_s=opened_s,
        palette=first.palette,
        jitter_ms=_jitter_ms(frames) if camera.realtime and first.stamps != "arrival" else None,
    )


def _rate(steps_ns: list[int], *, live: bool) -> float:
    """Frames a second by the usual step, as frames may be missing; of live cameras whose steps are uneven on average.

    The stamps of some cameras are as late as their frames.
    """
    usual, ordered = median(steps_ns), sorted(steps_ns)
    quarter = len(ordered) // 4
    if not live or ordered[-1 - quarter] - ordered[quarter] <= _EVEN * usual:
        return 1e9 / usual
    settled = steps_ns[len(steps_ns) // _UNSETTLED :]
    return 1e9 * len(settled) / sum(settled)


def _jitter_ms(frames: list[tuple[Frame, int]]) -> float:
    settled = frames[len(frames) // _UNSETTLED :]
    late = sorted(arrived_ns - frame.timestamp_ns for frame, arrived_ns in settled)
    return (late[round((len(late) - 1) * _LATE_SHARE)] - late[0]) / 1e6


def _colour_in_words(channels: int, palette: str) -> str:
    if channels != 1 or not palette:
        return "gray" if channels == 1 else "colour"
    return "colour, of which the luma is taken" if palette == "luma" else f"colour, turned back from {palette}"


def _depth(samples: str) -> str:
    return {"uint8": "8 bit", "uint16": "16 bit", "float32": "floating"}.get(samples, samples)
