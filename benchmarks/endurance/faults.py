"""Faults of cameras, injected on purpose: silence, errors, ends, frozen pictures, slow reads, and another size."""

from __future__ import annotations

import dataclasses
import time
from typing import Literal, get_args

import numpy as np

from coconet.errors import CoconetError
from coconet.media.pixels import RawPixels
from coconet.runtime.cameras.camera import Camera
from coconet.runtime.cameras.files import Pace, PacedCamera
from coconet.runtime.frame import Frame
from coconet.runtime.rig.open_rig import open_side
from coconet.runtime.rig.rig_file import Rig

Fault = Literal["silent", "error", "ended", "frozen", "slow", "resized"]
"""silent: nothing comes. error: reading fails, and so does opening again. ended: the stream is over, and starts again.
frozen: the same picture again and again. slow: every read takes half a second. resized: pictures of half the size."""

FAULTS: tuple[Fault, ...] = get_args(Fault)

_SLOW_S = 0.5


class FaultyCamera:
    """A live camera with one fault at a time; `fault` is set and cleared by the code that injects it."""

    realtime = True

    def __init__(self, injector: Injector, rig: Rig, side: Literal["visible", "infrared"]) -> None:
        """Open a side of a rig; recordings are paced like live cameras."""
        camera = open_side(rig, side)
        self._camera: Camera = camera if camera.realtime else PacedCamera(camera, Pace())
        self._injector, self._held = injector, None
        self.name = camera.name

    _held: RawPixels | None

    def read(self) -> Frame | None:
        """The next frame, unless a fault keeps it."""
        while self._injector.fault == "silent":
            if self._camera.read() is None:  # what a silent camera has seen does not come later
                return None
        self._injector.refuse()
        if self._injector.fault == "ended":
            return None
        if self._injector.fault == "slow":
            time.sleep(_SLOW_S)
        frame = self._camera.read()
        if frame is None:
            return None
        if self._injector.fault == "resized":
            return dataclasses.replace(frame, pixels=np.ascontiguousarray(frame.pixels[::2, ::2]))
        if self._injector.fault != "frozen":
            self._held = None
            return frame
        self._held = frame.pixels if self._held is None else self._held
        return dataclasses.replace(frame, pixels=self._held)

    def close(self) -> None:
        """Close the camera."""
        self._camera.close()


class Injector:
    """Decides which fault a side has now; None is none."""

    def __init__(self) -> None:
        self.fault: Fault | None = None

    def open(self, rig: Rig, side: Literal["visible", "infrared"]) -> Camera:
        """Open the side with this injector's faults. Raises CoconetError while its fault is `error`."""
        self.refuse()
        return FaultyCamera(self, rig, side)

    def refuse(self) -> None:
        """Fail while the fault is `error`."""
        if self.fault == "error":
            raise CoconetError(
                "camera",
                wanted="a frame",
                got="an injected fault",
                remedy="Wait until it is over.",
                says="gives no frames, because this test makes it fail",
            )
