"""GStreamer as PyGObject gives it, and a pipeline of it that codes: data go in at one end and come out at the other."""

from __future__ import annotations

import ctypes
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from coconet.errors import MissingPackage

with suppress(OSError):
    # GStreamer brings libunwind and lends it to the whole process: any C++ exception of ONNX Runtime, even one that it
    # catches itself, would end the process. The compiler's own unwinder, when it is loaded first, goes on serving all.
    ctypes.CDLL("libgcc_s.so.1", mode=ctypes.RTLD_GLOBAL)

try:
    import gi

    gi.require_version("Gst", "1.0")
    from gi.repository import Gst
except (ImportError, ValueError) as error:
    raise MissingPackage("gi", job="GStreamer pipelines", extra="gstreamer") from error

__all__ = ["CodecPipeline", "Coded", "Gst", "PipelineFailed", "missing_element"]


_KEY_UNIT = "GstForceKeyUnit, all-headers=(boolean)true, count=(uint)1"
"""The event by which GStreamer's encoders are asked for a key frame."""

_BEGIN_NS = 3600 * 10**9
"""Where time 0 lies in the pipeline, which knows no times before its own zero."""

_STEP_NS = 1000
"""Times go through V4L2 as whole microseconds."""

_POLL_NS = 1_000_000


class PipelineFailed(Exception):
    """An element of a pipeline failed, or is not there; says which and why."""


@dataclass(frozen=True)
class Coded:
    """What came out. time_ns: the time that it went in with, to a microsecond. key: whether it needs nothing before it.

    caps: GStreamer's description of it.
    """

    data: bytes
    time_ns: int
    key: bool
    caps: Any


class CodecPipeline:
    """A pipeline between a source that is fed and a sink that is asked."""

    def __init__(self, elements: str, takes: str, gives: str, codec_data: bytes | None = None) -> None:
        """Start it. elements: what lies between, as gst-launch-1.0 takes it; takes, gives: caps of both ends.

        codec_data: what decoding begins with, for streams that keep it apart. Raises PipelineFailed.
        """
        Gst.init(None)
        ends = "appsrc name=source format=time", f"{gives} ! appsink name=sink sync=false async=false"
        try:
            self._pipeline: Any = Gst.parse_launch(f"{ends[0]} ! {elements} ! {ends[1]}")
        except Exception as error:  # GLib.Error, which only exists where gi does
            raise PipelineFailed(str(error).rpartition(": ")[2].rstrip(". ")) from None
        self._source, self._sink = self._pipeline.get_by_name("source"), self._pipeline.get_by_name("sink")
        caps = Gst.Caps.from_string(takes)
        if codec_data is not None:
            caps.set_value("codec_data", Gst.Buffer.new_wrapped(codec_data))
        self._source.set_property("caps", caps)
        if self._pipeline.set_state(Gst.State.PLAYING) == Gst.StateChangeReturn.FAILURE:
            trouble = self._trouble()
            self.close()
            raise PipelineFailed(trouble or "an element does not start")

    def push(self, data: bytes, time_ns: int, *, wants_key: bool = False) -> None:
        """Feed it. wants_key: asks an encoder for a key frame. Raises PipelineFailed."""
        if wants_key:
            event = Gst.Event.new_custom(Gst.EventType.CUSTOM_DOWNSTREAM, Gst.Structure.from_string(_KEY_UNIT)[0])
            self._source.send_event(event)
        buffer = Gst.Buffer.new_wrapped(data)
        buffer.pts = max(0, _BEGIN_NS + time_ns)
        if self._source.emit("push-buffer", buffer) != Gst.FlowReturn.OK:
            raise PipelineFailed(self._trouble() or "it takes nothing any more")

    def pull(self, wait_s: float = 0.0) -> Coded | None:
        """Give the next one that is out; None if there is none within wait_s, or none any more.

        Raises PipelineFailed.
        """
        until = time.monotonic() + wait_s
        while True:
            sample = self._sink.emit("try-pull-sample", _POLL_NS if wait_s else 0)
            if sample is not None:
                return _coded(sample)
            if trouble := self._trouble():
                raise PipelineFailed(trouble)
            if self._sink.get_property("eos") or time.monotonic() >= until:
                return None

    def finish(self) -> None:
        """Say that nothing more comes; what is left can be pulled."""
        self._source.emit("end-of-stream")

    def close(self) -> None:
        """Stop it; a second call does nothing."""
        self._pipeline.set_state(Gst.State.NULL)

    def _trouble(self) -> str:
        message = self._pipeline.get_bus().pop_filtered(Gst.MessageType.ERROR)
        return "" if message is None else str(message.parse_error()[0].message).rstrip(".")


def missing_element(elements: str) -> str:
    """The first element of a pipeline that this GStreamer does not have; empty if it has them all."""
    Gst.init(None)
    names = [part.split()[0] for part in elements.split("!") if part.split() and "/" not in part.split()[0]]
    return next((name for name in names if Gst.ElementFactory.find(name) is None), "")


def _coded(sample: Any) -> Coded:
    buffer = sample.get_buffer()
    data = buffer.extract_dup(0, buffer.get_size())
    time_ns = round((buffer.pts - _BEGIN_NS) / _STEP_NS) * _STEP_NS
    return Coded(data, time_ns, not buffer.has_flags(Gst.BufferFlags.DELTA_UNIT), sample.get_caps())
