"""A GStreamer pipeline as a camera."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from coconet.errors import CoconetError
from coconet.media.hardware.gstreamer import Gst
from coconet.media.palettes.recognition import InfraredGray
from coconet.media.pixels import RawPixels
from coconet.redaction import redact_text
from coconet.runtime.cameras.camera import CameraAbsent
from coconet.runtime.cameras.stream_clock import StreamClock
from coconet.runtime.frame import Frame, StampKind

_SINK = "appsink name=sink drop=true max-buffers=1 sync=false"

_LAYOUTS = {"BGR": (3, 1), "BGRx": (4, 1), "GRAY8": (1, 1), "GRAY16_LE": (1, 2), "ARGB64": (4, 2)}
"""Channels of a format, and bytes of a sample."""

_WITH_ALPHA = 4

_WAIT_NS = 2_000_000_000


class GStreamerCamera:
    """The raw video that a pipeline gives; it ends before its sink, which is added here.

    Stamps are the pipeline's running times laid onto this machine's clock.
    """

    realtime = True

    def __init__(self, pipeline: str, name: str, *, gray: bool = False, palette: str = "auto") -> None:
        """Start a pipeline; with `gray` (an infrared camera) its colours become gray as `palette` says.

        Raises CoconetError for one that does not parse, CameraAbsent for one that does not play.
        """
        Gst.init(None)
        self.name, self._index, self._clock = name, 0, StreamClock()
        self._address = f"gst://{pipeline}"
        self._infrared = InfraredGray(palette, name, follows=True) if gray else None
        forms = "GRAY16_LE,GRAY8,BGR,ARGB64" if gray else "BGR,BGRx"  # it takes the one that loses least
        caps = f"video/x-raw,format=(string){{{forms}}}"
        try:
            self._pipeline: Any = Gst.parse_launch(f"{pipeline} ! videoconvert ! {caps} ! {_SINK}")
        except Exception as error:  # GLib.Error, which only exists where gi does
            raise self._failed(redact_text(str(error), self._address)) from None
        self._sink = self._pipeline.get_by_name("sink")
        self._pipeline.set_state(Gst.State.PLAYING)
        if self._pipeline.get_state(5 * Gst.SECOND)[0] == Gst.StateChangeReturn.FAILURE:
            trouble = self._trouble()
            self.close()
            raise self._failed(trouble or "the pipeline does not start", CameraAbsent)

    def read(self) -> Frame | None:
        """Wait for the next frame; None at the end.

        Raises CoconetError if an element fails, and after 2 s of silence.
        """
        sample = self._sink.emit("try-pull-sample", _WAIT_NS)
        arrived_ns = time.monotonic_ns()
        if sample is None:
            if trouble := self._trouble():  # after which the sink ends as well, as if nothing had been wrong
                raise self._failed(trouble)
            if self._sink.get_property("eos"):
                return None
            raise self._failed("no frame for 2 s")
        buffer = sample.get_buffer()
        stamp_ns, kind = arrived_ns, "arrival"
        if buffer.pts != Gst.CLOCK_TIME_NONE:
            stamp_ns, kind = self._clock.stamp(buffer.pts, arrived_ns), "stream"
        self._index += 1
        pixels = _pixels(sample, buffer)
        if self._infrared is None:
            return Frame(pixels, stamp_ns, self._index - 1, stamps=_kind(kind))
        return Frame(self._infrared(pixels), stamp_ns, self._index - 1, stamps=_kind(kind), palette=self._infrared.used)

    def close(self) -> None:
        """Stop the pipeline; a second call does nothing."""
        self._pipeline.set_state(Gst.State.NULL)

    def _trouble(self) -> str:
        """What an element of the pipeline has complained about; empty if none has."""
        message = self._pipeline.get_bus().pop_filtered(Gst.MessageType.ERROR)
        if message is None:
            return ""
        return redact_text(message.parse_error()[0].message, self._address).rstrip(".")

    def _failed(self, got: str, kind: type[CoconetError] = CoconetError) -> CoconetError:
        return kind(
            self.name,
            wanted="a pipeline that gives raw video",
            got=got,
            remedy="Try it with gst-launch-1.0.",
            says=f"gives no video: {got}",
        )


def _kind(kind: str) -> StampKind:
    return "stream" if kind == "stream" else "arrival"


def _pixels(sample: Any, buffer: Any) -> RawPixels:
    """Copy (H, W, 3) BGR or (H, W, 1) pixels out of a sample whose rows GStreamer pads to four bytes, in one pass."""
    caps = sample.get_caps().get_structure(0)
    width, height = caps.get_value("width"), caps.get_value("height")
    form = caps.get_value("format")
    channels, bytes_each = _LAYOUTS[form]
    mapped, memory = buffer.map(Gst.MapFlags.READ)
    if not mapped:
        raise CoconetError(
            "GStreamer",
            wanted="a frame in memory",
            got="one that cannot be read",
            remedy="Try again.",
            says="gave a frame that cannot be read",
        )
    try:
        data = np.frombuffer(memory.data, np.uint8)
        rows = data.reshape(height, -1)[:, : width * channels * bytes_each]
        if form == "BGRx":
            return _without_padding(rows, width)
        samples = np.array(rows).view(np.uint16 if bytes_each == 2 else np.uint8)
    finally:
        buffer.unmap(memory)
    pixels = samples.reshape(height, width, channels)
    return np.ascontiguousarray(pixels[:, :, :0:-1]) if channels == _WITH_ALPHA else pixels


def _without_padding(pixels: RawPixels, width: int) -> RawPixels:
    """(H, W, 4) BGRx, as a Jetson's converter gives it, to (H, W, 3)."""
    import cv2

    four = np.ascontiguousarray(pixels).reshape(len(pixels), width, 4)
    return np.asarray(cv2.cvtColor(four, cv2.COLOR_BGRA2BGR), np.uint8)
