"""A camera at this machine: V4L2 devices and, where OpenCV has GStreamer, pipelines such as a Jetson's CSI camera."""

from __future__ import annotations

import time
from dataclasses import dataclass

from coconet.errors import CoconetError, MissingPackage
from coconet.media.palettes.recognition import InfraredGray
from coconet.media.pixels import RawPixels
from coconet.runtime.cameras.camera import CameraAbsent
from coconet.runtime.cameras.device.pixel_layouts import FrameLayout
from coconet.runtime.cameras.device.torn_frames import TornGuard
from coconet.runtime.cameras.device.usb_bus import bus_advice
from coconet.runtime.frame import Frame, StampKind

try:
    import cv2
except ImportError as error:
    raise MissingPackage("cv2", job="cameras at this machine", extra="headless") from error


_BUFFERS = 2  # the driver's queue: each more is a frame older for a reader that is late

_DRIVER_SLACK_NS = 1_000_000_000


@dataclass(frozen=True)
class DeviceMode:
    """What a device is asked for; None leaves it as it is. layout: for raw thermal frames."""

    width_px: int | None = None
    height_px: int | None = None
    fps: float | None = None
    layout: FrameLayout | None = None


class V4l2Camera:
    """A V4L2 device, by its path (best one under /dev/v4l/by-id, which stays the same over restarts).

    Stamps are the driver's (`driver`) where they are on the monotonic clock, otherwise those of the arrival.
    damaged: frames of a raw thermal device that were torn, and left out.
    """

    realtime = True

    def __init__(
        self, device: str, mode: DeviceMode | None = None, *, gray: bool = False, palette: str = "auto"
    ) -> None:
        """Open a device, ask for the mode, read it back; with `gray` colours become gray as `palette` says.

        Raises CameraAbsent if it does not open, and CoconetError if it is not what was asked for.
        """
        self.name, self._mode, self._index = device, mode or DeviceMode(), 0
        self._infrared = InfraredGray(palette, device, follows=True) if gray else None
        self._guard, self.damaged = TornGuard(), 0
        self._capture = cv2.VideoCapture(device, cv2.CAP_V4L2)
        if not self._capture.isOpened():
            raise CameraAbsent(
                device,
                wanted="a camera that opens",
                got="none, or one that another program holds",
                remedy="Run coconet doctor --cameras to see what is there.",
                says="does not open: it is not there, or another program holds it",
            )
        try:
            self._ask()
        except CoconetError:
            self.close()
            raise

    def read(self) -> Frame | None:
        """Wait for the next frame that is whole. Raises CoconetError if the device gives none any more."""
        while True:
            got, buffer = self._capture.read()
            arrived_ns = time.monotonic_ns()
            if not got:
                says = "gives no more frames"
                raise CoconetError(self.name, wanted="a frame", got="none", remedy=bus_advice(self.name), says=says)
            pixels = self._picture(buffer)
            self._index += 1
            layout = self._mode.layout
            if layout is None or not self._guard.torn(pixels, layout.samples_of(buffer)):
                break
            self.damaged += 1
        stamp_ns, kind = driver_stamp(self._capture.get(cv2.CAP_PROP_POS_MSEC), arrived_ns)
        palette = self._infrared.used if self._infrared else ""
        return Frame(pixels, stamp_ns, self._index - 1, stamps=kind, palette=palette)

    def close(self) -> None:
        """Release the device; a second call does nothing."""
        self._capture.release()

    def _ask(self) -> None:
        layout = self._mode.layout
        asked: list[tuple[str, int, float]] = []
        if layout is not None:
            fourcc = cv2.VideoWriter.fourcc(*layout.fourcc)
            asked += [("pixel format", cv2.CAP_PROP_FOURCC, fourcc), ("conversion", cv2.CAP_PROP_CONVERT_RGB, 0)]
        width = layout.width if layout else self._mode.width_px
        height = layout.height if layout else self._mode.height_px
        wanted = (("width", cv2.CAP_PROP_FRAME_WIDTH, width), ("height", cv2.CAP_PROP_FRAME_HEIGHT, height))
        asked += [
            (name, key, value) for name, key, value in (*wanted, ("rate", cv2.CAP_PROP_FPS, self._mode.fps)) if value
        ]
        for _, key, value in asked:
            self._capture.set(key, value)
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, _BUFFERS)
        for name, key, value in asked:
            check_read_back(self.name, name, value, self._capture.get(key))

    def _picture(self, buffer: RawPixels) -> RawPixels:
        if self._mode.layout is not None:
            return self._mode.layout.picture(buffer)
        if buffer.ndim == 2:
            return buffer[:, :, None]
        return buffer if self._infrared is None else self._infrared(buffer)


def driver_stamp(position_ms: float, arrived_ns: int) -> tuple[int, StampKind]:
    """The driver's stamp, if it is on the monotonic clock: not after the arrival, and not long before it."""
    stamp_ns = round(position_ms * 1e6)
    if 0 <= arrived_ns - stamp_ns < _DRIVER_SLACK_NS:
        return stamp_ns, "driver"
    return arrived_ns, "arrival"


def check_read_back(device: str, name: str, wanted: float, got: float) -> None:
    """Raise CoconetError if a device has settled for something else than it was asked for."""
    if abs(wanted - got) > 0.02 * abs(wanted):
        raise CoconetError(
            f"{device}, {name}",
            wanted=f"{wanted:g}",
            got=f"{got:g}",
            remedy="Ask for a mode that the camera has.",
            says=f"is {got:g}: the camera does not take {wanted:g}",
        )
