"""A frame, a pair of frames and a fused frame: what travels from the cameras to the screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
"""(H, W, 3) BGR or (H, W, 1) gray, uint8."""

RawPixels = NDArray[Any]
"""As a camera gives them: uint8 like Pixels, or (H, W, 1) uint16 from a thermal camera."""


@dataclass(frozen=True)
class Frame:
    """One picture of one camera.

    pixels: (H, W, 3) BGR or (H, W, 1) gray, uint8, or (H, W, 1) uint16 for raw thermal counts.
    timestamp_ns: monotonic, as near the moment of exposure as the source allows.
    index: how many frames the camera gave before this one. name: the file's name where it came from a folder.
    """

    pixels: RawPixels
    timestamp_ns: int
    index: int
    name: str = ""


@dataclass(frozen=True)
class FramePair:
    """A visible and an infrared frame taken at about the same time."""

    visible: Frame
    infrared: Frame

    @property
    def skew_ns(self) -> int:
        """Infrared stamp minus visible stamp."""
        return self.infrared.timestamp_ns - self.visible.timestamp_ns


@dataclass(frozen=True)
class FusedFrame:
    """A fused picture, shaped like the visible frame of its pair, with the pair it came from.

    latency_ms: from the moment the pair was complete to the moment the picture was ready.
    """

    pixels: Pixels
    pair: FramePair
    latency_ms: float


class Camera(Protocol):
    """A source of frames; `read` may block and knows no lock.

    realtime: True where frames are lost unless they are read in time, so that the newest matters;
    False where every frame is there to be read (files).
    """

    name: str
    realtime: bool

    def read(self) -> Frame | None:
        """The next frame, or None at the end of the stream."""

    def close(self) -> None:
        """Release the device or file; a second call does nothing."""


class Sink(Protocol):
    """Where fused frames go."""

    def write(self, frame: FusedFrame) -> None:
        """Take one fused frame."""

    def close(self) -> None:
        """Finish what was written, so that it stands under its final name."""

    def discard(self) -> None:
        """Drop what was written, after an error."""
