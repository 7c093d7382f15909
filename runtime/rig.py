"""The rig file: which two cameras, how they are paired, and how the thermal picture lies on the visible one."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import Field, model_validator

from coconet.checked import Checked, checked
from coconet.pairs import pair_by_name
from coconet.toml_file import read_toml
from runtime.absent_camera import AbsentCamera, CameraAbsent
from runtime.address import redacted
from runtime.align import IDENTITY, Alignment, Lens, Matrix, Plane
from runtime.camera import ROLES, CameraSettings, Role, open_camera
from runtime.capture import Recovery
from runtime.drift import DriftWatch
from runtime.frame import Camera
from runtime.health import HealthLimits
from runtime.live_stream import LiveSettings, LiveStream
from runtime.look import Colours, FirstView, Look
from runtime.prepare import Preparation
from runtime.run_log import log_event
from runtime.stream import Pairing, PairStream, Policy
from runtime.thermal import Contrast, ThermalSettings, ThermalStretch

_MS_NS = 10**6

Side = Annotated[int, Field(gt=0)]
Table = TypeVar("Table", bound="CameraTable")


class CameraTable(Checked):
    """`[visible]`: one camera.

    address: what open_camera takes. name: for messages, the address if not given. fps: for folders and devices.
    size_px, layout: for devices; CameraSettings says what they are.
    offset_ms: added to the camera's stamps, where one camera stamps later than the other.
    """

    address: str
    name: str | None = None
    fps: Annotated[float, Field(gt=0)] | None = None
    size_px: tuple[Side, Side] | None = None
    layout: str | None = None
    offset_ms: float = 0.0


class InfraredTable(CameraTable):
    """`[infrared]`: a camera with a thermal front end. agc_percentiles: black and white point of 16 bit pictures.

    The other keys are those of ThermalSettings.
    """

    black_hot: bool = False
    agc_percentiles: tuple[float, float] = (0.5, 99.5)
    agc_time_constant_s: float = 0.5
    contrast: Contrast = "linear"
    plateau_percent: float = 1.0
    mend_dead_pixels: bool = False

    @model_validator(mode="after")
    def _checked(self) -> InfraredTable:
        self.thermal_settings()
        return self

    def thermal_settings(self) -> ThermalSettings:
        """Return the settings of the thermal front end this table says."""
        return ThermalSettings(
            *self.agc_percentiles,
            time_constant_s=self.agc_time_constant_s,
            black_hot=self.black_hot,
            contrast=self.contrast,
            plateau_percent=self.plateau_percent,
            mend_dead_pixels=self.mend_dead_pixels,
        )


class PairingTable(Checked):
    """`[pairing]`: tolerance_ms is the largest gap in a pair, half the slower camera's period if not given.

    policy: drop, hold or thermal; runtime/stream.py says what they are.
    """

    tolerance_ms: Annotated[float, Field(ge=0)] | None = None
    policy: Policy = "drop"


class HealthTable(Checked):
    """`[health]`: when a camera is no longer live, in seconds and in periods of it; HealthLimits says more."""

    late_periods: float = 2.5
    late_s: float = 0.2
    lost_s: float = 1.5
    frozen_s: float = 1.0
    shutter_s: float = 3.0

    @model_validator(mode="after")
    def _checked(self) -> HealthTable:
        self.limits()
        return self

    def limits(self) -> HealthLimits:
        """Return the limits this table says."""
        return HealthLimits(**self.model_dump())


class AlignmentTable(Checked):
    """`[alignment]`: homography from infrared to visible pixels, and the (width, height) of the visible picture.

    infrared_lens, visible_lens, plane: as Lens and Plane of runtime/align.py. drift_alarm_px: how far the edges of the
    two pictures may come to lie apart before the alignment counts as off; None looks at nothing.
    """

    homography: Matrix = IDENTITY
    size_px: tuple[Side, Side] | None = None
    infrared_lens: Lens | None = None
    visible_lens: Lens | None = None
    plane: Plane | None = None
    drift_alarm_px: Annotated[float, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _checked(self) -> AlignmentTable:
        self.alignment()
        return self

    def alignment(self) -> Alignment:
        """Return the geometry this table says."""
        return Alignment(self.homography, self.size_px, self.infrared_lens, self.visible_lens, self.plane)


class ViewTable(Checked):
    """`[view]`: what a page or a window opens with; whoever watches chooses for himself from there."""

    show: FirstView = "fused"
    colours: Colours = "white-hot"

    def look(self) -> Look:
        """As one picture, which split is not: the fused one then."""
        return Look("fused" if self.show == "split" else self.show, self.colours)


class Rig(Checked):
    """Two cameras that look the same way; realtime: recordings are replayed at their own rate, as if live."""

    visible: CameraTable
    infrared: InfraredTable
    pairing: PairingTable = PairingTable()
    alignment: AlignmentTable = AlignmentTable()
    health: HealthTable = HealthTable()
    view: ViewTable = ViewTable()
    realtime: bool = False

    @classmethod
    def from_file(cls, path: Path) -> Rig:
        """Read a rig file; relative addresses are relative to it. Raises CoconetError naming the file and the key."""
        rig = checked(cls, read_toml(path, "a rig file"), path)
        return rig.model_copy(update={"visible": _beside(path, rig.visible), "infrared": _beside(path, rig.infrared)})

    @classmethod
    def from_addresses(cls, visible: str, infrared: str, *, realtime: bool = False) -> Rig:
        """Make a rig of two addresses, with defaults for the rest."""
        return cls(visible=CameraTable(address=visible), infrared=InfraredTable(address=infrared), realtime=realtime)


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


def _beside(rig_file: Path, table: Table) -> Table:
    if "://" in table.address:
        return table
    return table.model_copy(update={"address": str(rig_file.parent / table.address)})


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
    from runtime.replay import PacedCamera

    return camera.realtime and not isinstance(camera, PacedCamera)


def _paced(visible: Camera, infrared: Camera) -> tuple[Camera, Camera]:
    from runtime.replay import Pace, PacedCamera

    pace = Pace()
    first, second = (camera if camera.realtime else PacedCamera(camera, pace) for camera in (visible, infrared))
    return first, second
