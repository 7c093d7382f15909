"""A camera whose frames come from a callback, as those of ROS and of many drivers do."""

from __future__ import annotations

import time
from collections import deque
from threading import Condition

import numpy as np

from coconet.errors import CoconetError
from coconet.media.pixels import RawPixels
from coconet.runtime.cameras.camera import CameraAbsent
from coconet.runtime.clock import live_stamps
from coconet.runtime.frame import Frame, StampKind

_SILENCE_S = 2.0

_WAITING = 8
"""Frames that may wait; of more the oldest give way, as of every live camera."""


class PushedCamera:
    """A live camera that is told its frames: any thread calls `push`. Without one for 2 s it counts as lost.

    name: for messages.
    """

    realtime = True

    def __init__(self, name: str = "camera") -> None:
        self.name, self._index = name, 0
        self._frames: deque[Frame] = deque(maxlen=_WAITING)
        self._changed = Condition()

    def push(self, pixels: RawPixels, timestamp_ns: int | None = None) -> None:
        """Take a picture: (H, W, 3) BGR uint8 or uint16, or (H, W, 1) or (H, W) gray uint8, uint16 counts or float32.

        timestamp_ns: when it was taken, on time.monotonic_ns(), or since 1970 as headers of ROS and time.time_ns() have
        it, both cameras on the same clock; now if not given. The array must not change afterwards.
        Raises CoconetError for an array that is no picture, and for a time that is no whole number.
        """
        given_ns = None if timestamp_ns is None else as_stamp(timestamp_ns, self.name)
        with self._changed:
            stamp_ns = time.monotonic_ns() if given_ns is None else given_ns
            stamps: StampKind = "arrival" if given_ns is None else live_stamps(given_ns)
            self._frames.append(Frame(as_picture(pixels, self.name), stamp_ns, self._index, stamps=stamps))
            self._index += 1
            self._changed.notify()

    def read(self) -> Frame | None:
        """Wait for the next frame. Raises CameraAbsent after 2 s without one."""
        with self._changed:
            if not self._changed.wait_for(lambda: bool(self._frames), _SILENCE_S):
                raise CameraAbsent(
                    self.name,
                    wanted="a frame",
                    got=f"none for {_SILENCE_S:g} s",
                    remedy="Check what pushes its frames.",
                    says=f"has given no frame for {_SILENCE_S:g} s",
                )
            return self._frames.popleft()

    def close(self) -> None:
        """Forget the frames that wait; what is pushed later can be read again."""
        with self._changed:
            self._frames.clear()


def as_picture(pixels: RawPixels, where: str) -> RawPixels:
    """The array as (H, W, 1) or (H, W, 3). Raises CoconetError for what is no picture."""
    shaped = pixels[:, :, None] if isinstance(pixels, np.ndarray) and pixels.ndim == 2 else pixels
    known = isinstance(shaped, np.ndarray) and shaped.ndim == 3 and shaped.size > 0
    if known and (shaped.shape[2], str(shaped.dtype)) in _KINDS:
        return shaped
    got = f"{pixels.dtype} of shape {pixels.shape}" if isinstance(pixels, np.ndarray) else type(pixels).__name__
    raise CoconetError(
        where,
        wanted="(H, W, 3) BGR uint8 or uint16, or (H, W, 1) or (H, W) uint8, uint16 or float32",
        got=got,
        remedy="Give (H, W, 3) BGR uint8 or uint16, or (H, W, 1) or (H, W) uint8, uint16 or float32.",
        says=f"is not a picture that can be fused: {got}",
    )


def as_stamp(timestamp_ns: int, where: str) -> int:
    """The time as nanoseconds, an int. Raises CoconetError for what is no whole number, such as seconds as a float."""
    if isinstance(timestamp_ns, (int, np.integer)) and not isinstance(timestamp_ns, bool):
        return int(timestamp_ns)
    given = "None" if timestamp_ns is None else f"a value of type {type(timestamp_ns).__name__}"
    raise CoconetError(
        where,
        wanted="timestamp_ns as a whole number of nanoseconds",
        got=given,
        remedy="Convert the time first: round(seconds * 1e9) of seconds.",
        says=f"has no time: timestamp_ns must be a whole number of nanoseconds, not {given}",
    )


_KINDS = {(3, "uint8"), (3, "uint16"), (1, "uint8"), (1, "uint16"), (1, "float32")}
