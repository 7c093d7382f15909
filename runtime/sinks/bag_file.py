"""Fused frames as an MCAP file that Foxglove and ROS 2 open: pictures, the skew of each pair, and its state."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from coconet.event_log import log_event
from coconet.runtime.clock import EpochClock
from coconet.runtime.frame import Frame, FusedFrame
from coconet.runtime.ros.image_message import compressed_message
from coconet.runtime.ros.known_info import KnownInfo
from coconet.runtime.ros.mcap_file import McapFile
from coconet.runtime.ros.messages import CAMERA_INFO, COMPRESSED, DIAGNOSTICS, NUMBER, diagnostics, make
from coconet.runtime.sinks.sink import WHOLE

PICTURES, SKEW, STATE = "/fused/image/compressed", "/fused/skew_ms", "/diagnostics"

FUSED_LENS = "/fused/camera_info"
"""The topics of the file."""

FUSED_FRAME = "visible"
"""The frame_id of fused pictures, which lie as the visible ones do, if those have none of their own."""


def pair_values(fused: FusedFrame, time_ns: Callable[[Frame], int]) -> dict[str, object]:
    """What is known of a fused frame, as the keys of a DiagnosticStatus: both stamps, the skew, and what it took.

    time_ns: the time of a frame by the clock of the message's own header. What a camera that is missing did not give is
    empty.
    """
    pair = fused.pair
    return {
        "visible_stamp_ns": "" if "visible" in pair.missing else time_ns(pair.visible),
        "infrared_stamp_ns": "" if "infrared" in pair.missing else time_ns(pair.infrared),
        "skew_ms": "" if pair.missing else f"{pair.skew_ns / 1e6:.6f}",
        "missing": " ".join(sorted(pair.missing)),
        "fuse_ms": f"{fused.latency_ms:.3f}",
        "prepare_ms": f"{pair.prepare_ms:.3f}",
    }


class BagSink:
    """An MCAP file; it is NAME.unfinished, and can be read as well, until it is closed."""

    delivery = WHOLE

    def __init__(self, path: Path, info: KnownInfo | None = None) -> None:
        """Begin a file. info: of the visible camera, as fused pictures lie. Raises CoconetError if it cannot."""
        self._info = info or KnownInfo()
        self._file, self.name = McapFile(path), str(path)
        self._clock, self._sequence = EpochClock(), 0

    def write(self, frame: FusedFrame) -> None:
        """Append the picture, its lens, the skew and the state of a pair, at its time."""
        pair, number = frame.pair, self._sequence
        time_ns, place = self._clock.pair_ns(pair), pair.visible.frame_id or FUSED_FRAME
        picture = compressed_message(frame.pixels, time_ns, place)
        self._file.write(PICTURES, COMPRESSED, picture, time_ns, number)
        height, width = frame.pixels.shape[:2]
        of_camera = (height, width) == pair.visible.pixels.shape[:2]  # and no views side by side
        info = self._info.message((width, height), time_ns, place) if of_camera else None
        if info is not None:
            self._file.write(FUSED_LENS, CAMERA_INFO, info, time_ns, number)
        if not pair.missing:
            self._file.write(SKEW, NUMBER, make(NUMBER, data=pair.skew_ns / 1e6), time_ns, number)
        state = diagnostics(time_ns, "coconet: cameras", pair.notice, pair_values(frame, self._clock.time_ns))
        self._file.write(STATE, DIAGNOSTICS, state, time_ns, number)
        self._sequence += 1

    def close(self) -> None:
        """Finish the file and give it its name."""
        self._file.close()
        log_event("output finished", file=self.name, frames=self._sequence)

    def discard(self) -> None:
        """Leave what was written under its unfinished name."""
        self._file.abandon()
