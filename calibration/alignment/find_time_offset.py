"""The search for a rig's time offset: both streams read for a while, the lag found, and kept in the rig file."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from coconet.calibration.alignment.motion import MotionTrace
from coconet.calibration.alignment.time_offset import TimeOffset, find_time_offset
from coconet.errors import CoconetError
from coconet.media.thermal import filled, with_holes
from coconet.runtime.cameras.open_camera import ROLES, Role
from coconet.runtime.frame import Frame
from coconet.runtime.pairing.capture import Capture
from coconet.runtime.preprocess.fit import Placement, SizePx
from coconet.runtime.rig.edit import save_values
from coconet.runtime.rig.open_rig import CameraOpener, open_cameras, thermal_stretch
from coconet.runtime.rig.rig_file import Rig

_FRAMES_AHEAD = 64  # what one camera gives while the other one stutters; frames without motion between are no loss

_PATIENCE_S = 30.0  # for one frame

OnSeen = Callable[[float], None]
"""Told how many seconds of both cameras have been seen."""


def search_offset(
    rig: Rig,
    seconds: float = 20.0,
    most_ms: float = 1000.0,
    *,
    on_seen: OnSeen | None = None,
    opener: CameraOpener | None = None,
) -> TimeOffset:
    """Read both cameras of a rig for a number of seconds, or to their end, and find how far their own stamps lie apart.

    The offsets that the rig has now do not count. Infrared frames are aligned first, where the rig says how.
    opener: opens a camera, in place of open_side.
    Raises CoconetError for a camera that cannot be opened or fails, and if no offset stands out.
    """
    with ExitStack() as stack:
        captures: dict[Role, Capture] = {}
        cameras = open_cameras(rig, opener)
        laid_together = any(getattr(camera, "shift_ns", 0) for camera in cameras)
        for role, camera in zip(ROLES, cameras, strict=True):
            captures[role] = Capture(camera, _FRAMES_AHEAD)
            stack.callback(captures[role].close)
        for capture in captures.values():
            stack.enter_context(capture)
        visible, infrared = _traces(captures, _Aligned(rig), seconds, on_seen or (lambda _: None))
    return dataclasses.replace(find_time_offset(visible, infrared, most_ms), laid_together=laid_together)


def save_offset(rig_file: Path, found: TimeOffset) -> dict[Role, float]:
    """Write the offset into a rig file; the camera whose stamps are later gets it, the other one 0. Gives both, in ms.

    A camera that says nothing about an offset, and gets none, is left as it is.
    """
    rig = Rig.from_file(rig_file)
    late: Role = "infrared" if found.lag_ms > 0 else "visible"
    offsets: dict[Role, float] = {role: -round(abs(found.lag_ms), 1) if role == late else 0.0 for role in ROLES}
    before = {"visible": rig.visible.offset_ms, "infrared": rig.infrared.offset_ms}
    values: dict[str, dict[str, Any]] = {role: {"offset_ms": ms} for role, ms in offsets.items() if ms or before[role]}
    if found.laid_together and rig.pairing.starts == "auto":
        values["pairing"] = {"starts": "together"}  # with an offset, `auto` would take the stamps as they are
    save_values(rig_file, values)
    return offsets


class _Aligned:
    """Lays infrared frames where the visible ones are, as far as the rig file says how."""

    def __init__(self, rig: Rig) -> None:
        self._placement, self._thermal = Placement(rig.alignment.alignment()), thermal_stretch(rig)
        self._visible_px: SizePx | None = None

    def __call__(self, role: Role, frame: Frame) -> Frame:
        if role == "visible":
            height, width = frame.pixels.shape[:2]
            self._visible_px = (width, height)
        elif not self._placement.alignment.trivial and self._visible_px is not None:
            frame = self._thermal.apply(frame)
            pixels = self._placement.lay(frame.pixels, self._visible_px, "alignment")
            return dataclasses.replace(frame, pixels=pixels)
        return dataclasses.replace(frame, pixels=filled(with_holes(frame.pixels)))


def _traces(
    captures: dict[Role, Capture], aligned: _Aligned, seconds: float, on_seen: OnSeen
) -> tuple[MotionTrace, MotionTrace]:
    """Take from the camera that is behind, until both have given enough or one has ended."""
    traces: dict[Role, MotionTrace] = {role: MotionTrace() for role in ROLES}
    while (seen_s := min(trace.span_ns for trace in traces.values()) / 1e9) < seconds:
        on_seen(seen_s)
        role = min(ROLES, key=lambda side: (traces[side].span_ns, ROLES.index(side)))
        frame = _next_frame(role, captures[role])
        if frame is None:
            break
        frame = aligned(role, frame)
        traces[role].add(frame.pixels, frame.timestamp_ns)
    return traces["visible"], traces["infrared"]


def _next_frame(role: Role, capture: Capture) -> Frame | None:
    if not capture.wait_until_ready(_PATIENCE_S):
        remedy = "Check that it gives frames, with coconet run."
        raise CoconetError(
            f"{role} camera",
            wanted="a frame",
            got=f"none within {_PATIENCE_S:g} s",
            remedy=remedy,
            says=f"gave no frame within {_PATIENCE_S:g} s",
        )
    return capture.take()
