"""Opening a rig: both cameras, what prepares their frames, and the stream of pairs they make."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from coconet.event_log import log_event
from coconet.media.pairs import pair_by_name
from coconet.redaction import redacted
from coconet.runtime.cameras.camera import AbsentCamera, Camera, CameraAbsent
from coconet.runtime.cameras.open_camera import ROLES, CameraSettings, Role, open_camera
from coconet.runtime.pairing.capture import Recovery
from coconet.runtime.pairing.live_pair_stream import LiveSettings, LiveStream
from coconet.runtime.pairing.pair_stream import Pairing, PairStream
from coconet.runtime.preprocess.agc import ThermalStretch
from coconet.runtime.preprocess.drift import DriftWatch
from coconet.runtime.preprocess.preprocess import Preparation
from coconet.runtime.rig.rig_file import Rig

_MS_NS = 10**6

OpenedCamera = Callable[[Rig, Role], Camera]
"""Opens one camera of a rig."""


def open_rig(
    rig: Rig,
    *,
    align: bool = True,
    on_prepared: Callable[[Preparation], None] | None = None,
    opened: OpenedCamera | None = None,
    patient: bool = False,
) -> PairStream:
    """Open both cameras and join them to a stream of pairs, to be used as a context manager.

    Pairs are 8 bit and, unless `align` is off, of equal size: visible (H, W, 3) or, from gray pictures, (H, W, 1);
    infrared (H, W, 1). on_prepared: given what prepares them, to change it later. opened: opens a camera, at first and
    after a loss, in place of open_side. patient: a live camera that does not answer, beside one that does, begins as
    lost and is opened again and again.
    Raises CoconetError for an address that cannot be opened and for folders whose file names do not match.
    """
    _check_folders(rig)
    opened = opened or open_side
    cameras = dict(zip(ROLES, open_cameras(rig, _patiently(rig, opened) if patient else opened), strict=True))
    with ExitStack() as stack:
        for camera in cameras.values():
            stack.callback(camera.close)
        recoveries = {role: Recovery(partial(opened, rig, role)) for role in ROLES if _is_live(cameras[role])}
        visible, infrared = cameras.values()
        pairing = Pairing(
            tolerance_ns=None if rig.pairing.tolerance_ms is None else round(rig.pairing.tolerance_ms * _MS_NS),
            visible_offset_ns=round(rig.visible.offset_ms * _MS_NS),
            infrared_offset_ns=round(rig.infrared.offset_ms * _MS_NS),
            policy=rig.pairing.policy,
        )
        names = (rig.visible.name or visible.name, rig.infrared.name or infrared.name)
        thermal = ThermalStretch(rig.infrared.thermal_settings())
        alarm_px = rig.alignment.drift_alarm_px
        drift = DriftWatch(alarm_px) if align and alarm_px is not None else None
        prepare = Preparation(thermal, rig.alignment.alignment() if align else None, names, drift)
        if on_prepared is not None:
            on_prepared(prepare)
        if visible.realtime and infrared.realtime:
            live = LiveSettings(rig.health.limits(), recoveries, rig.alignment.size_px)
            stream: PairStream = LiveStream(visible, infrared, pairing, prepare, live)
        else:
            stream = PairStream(visible, infrared, pairing, prepare)
        stream.front_end = lambda: prepare.front_end
        if drift is not None:
            stream.drift_px = lambda: drift.drift_px
        stack.pop_all()  # from here on the stream closes them
        return stream


def open_cameras(rig: Rig, opened: OpenedCamera | None = None) -> tuple[Camera, Camera]:
    """Open the visible and the infrared camera; the caller closes them. An error leaves none open."""
    opened = opened or open_side
    visible = opened(rig, "visible")
    with ExitStack() as stack:
        stack.callback(visible.close)
        infrared = opened(rig, "infrared")
        stack.pop_all()
    return _paced(visible, infrared) if rig.realtime else (visible, infrared)


def _patiently(rig: Rig, opened: OpenedCamera) -> OpenedCamera:
    """Open cameras so that one of them may be absent; not both: then rather the rig file is wrong."""
    absent: list[Role] = []

    def either(_rig: Rig, role: Role) -> Camera:
        try:
            return opened(rig, role)
        except CameraAbsent as absence:
            log_event("camera", level=logging.WARNING, side=role, state="lost", trouble=str(absence))
            absent.append(role)
            if len(absent) == len(ROLES):
                raise
            table = rig.visible if role == "visible" else rig.infrared
            return AbsentCamera(table.name or redacted(table.address), absence)

    return either


def _check_folders(rig: Rig) -> None:
    """Refuse two folders that are paired picture by picture but do not hold the same names."""
    folders = [Path(table.address) for table in (rig.visible, rig.infrared)]
    if all(folder.is_dir() for folder in folders) and rig.visible.fps == rig.infrared.fps:
        pair_by_name(*folders)


def open_side(rig: Rig, role: Role) -> Camera:
    """Open one camera of a rig by its address."""
    table = rig.visible if role == "visible" else rig.infrared
    return open_camera(table.address, role, CameraSettings(table.fps, table.size_px, table.layout))


def _is_live(camera: Camera) -> bool:
    """Whether a camera is worth opening again; a recording that is replayed at its own pace simply ends."""
    from coconet.runtime.cameras.files import PacedCamera

    return camera.realtime and not isinstance(camera, PacedCamera)


def _paced(visible: Camera, infrared: Camera) -> tuple[Camera, Camera]:
    from coconet.runtime.cameras.files import Pace, PacedCamera

    pace = Pace()
    first, second = (camera if camera.realtime else PacedCamera(camera, pace) for camera in (visible, infrared))
    return first, second
