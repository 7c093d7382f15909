"""Opening a rig: both cameras, what prepares their frames, and the stream of pairs they make."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from coconet.errors import CoconetError
from coconet.event_log import is_logging, log_event, note_once, warn_once
from coconet.media.naming.bag_names import split_bag
from coconet.media.naming.picture_names import is_picture
from coconet.media.thermal import common_limits
from coconet.redaction import redact
from coconet.runtime.cameras.camera import AbsentCamera, Camera, CameraAbsent
from coconet.runtime.cameras.files import FOLDER_FPS, Pictures
from coconet.runtime.cameras.open_camera import ROLES, CameraSettings, Role, is_folder, open_camera
from coconet.runtime.frame import Frame, Side
from coconet.runtime.pairing.capture import Recovery
from coconet.runtime.pairing.file_clocks import FileClock, align_starts
from coconet.runtime.pairing.live_pairs import LivePairingOptions, pair_live_cameras
from coconet.runtime.pairing.pair_stream import PairStream, pair_recordings
from coconet.runtime.pairing.paired_captures import Pairing
from coconet.runtime.preprocess.agc import ThermalStretch
from coconet.runtime.preprocess.drift import DriftWatch
from coconet.runtime.preprocess.fit import Placement
from coconet.runtime.preprocess.preprocess import Preparation
from coconet.runtime.preprocess.warp import Lens
from coconet.runtime.rig.naming.one_source import one_source
from coconet.runtime.rig.rig_file import Rig, fitted_by
from coconet.runtime.rig.secrets import fill_in

if TYPE_CHECKING:
    from coconet.runtime.heat.meters import Meters
    from coconet.runtime.ros.known_info import KnownInfo

_MS_NS = 10**6

CameraOpener = Callable[[Rig, Role], Camera]
"""Opens one camera of a rig."""


def open_rig(
    rig: Rig,
    *,
    align: bool = True,
    opener: CameraOpener | None = None,
    patient: bool = False,
    gives_misfits: bool = False,
) -> PairStream:
    """Open both cameras and join them to a stream of pairs, to be used as a context manager.

    Pairs are 8 bit and, unless `align` is off, of equal size: visible (H, W, 3) or, from gray pictures, (H, W, 1);
    infrared (H, W, 1). The stream's `preparation` is what makes them so. opener: opens a camera, at first and after a
    loss, in place of open_side. patient: a live camera that does not answer, beside one that does, begins as lost and
    is opened again and again. gives_misfits: a picture of a folder that cannot be read, or a pair that cannot be
    prepared, comes out with its misfit, and does not end the stream; damaged frames of a recording are left out.
    Raises CoconetError for an address that cannot be opened and for folders whose file names do not match.
    """
    opener = opener or (partial(open_side, gives_misfits=True) if gives_misfits else open_side)
    if align:
        rig = aligned_first(rig, opener)
    sources = _open_both(rig, _allow_one_absent(rig, opener) if patient else opener)
    for camera in sources:
        if isinstance(camera, AbsentCamera) and not is_logging():  # the log has it
            warn_once(f"{camera.absence} Until it answers, the other camera is shown alone.")
    with ExitStack() as stack:
        for camera in sources:
            stack.callback(camera.close)
        recoveries: dict[Side, Recovery] = {  # a recording that is replayed at its own pace simply ends
            role: Recovery(partial(opener, rig, role))
            for role, camera in zip(ROLES, sources, strict=True)
            if camera.realtime
        }
        visible, infrared = _pace(*sources) if rig.realtime else sources
        preparation = _preparation(rig, (visible.name, infrared.name), align=align, gives_misfits=gives_misfits)
        preparation.change(heat_percent=rig.fusion.heat)
        if visible.realtime and infrared.realtime:
            settings = LivePairingOptions(rig.health.limits(), recoveries, rig.alignment.size_px)
            stream = pair_live_cameras(visible, infrared, _pairing(rig), preparation, settings)
        else:
            stream = pair_recordings(visible, infrared, _pairing(rig), preparation, gives_misfits=gives_misfits)
        stack.pop_all()  # from here on the stream closes them
        stream.inputs, stream.rig = rig.sources, rig
        return stream


def aligned_first(rig: Rig, opener: CameraOpener | None = None) -> Rig:
    """Find the alignment of a rig that has none and asks for it; if none is found, it says so and goes without.

    opener: as open_rig takes it. Raises CoconetError for an address that cannot be opened.
    """
    if rig.alignment.fit != "align" or not rig.alignment.alignment().trivial:
        return rig
    from coconet.runtime.registration.edges import EdgeRegistrar
    from coconet.runtime.registration.pair_sampling import PairSampling, alignment_of

    try:
        with open_rig(rig.model_copy(update={"realtime": False}), align=False, opener=opener) as stream:
            found = alignment_of(EdgeRegistrar(), PairSampling().of(stream), *rig_lenses(rig))
    except CameraAbsent:
        raise
    except CoconetError as error:
        warn_once(f"no alignment was found, and the pictures are scaled instead. {error}")
        return fitted_by(rig, "scale")
    note_once(f"aligned by the edges of both pictures (--fit align): {found.summary}")
    kept = ("homography", "size_px", "infrared_size_px", "infrared_lens", "visible_lens")
    geometry = {name: getattr(found.alignment, name) for name in kept}
    return rig.model_copy(update={"alignment": rig.alignment.model_copy(update=geometry)})


def rig_lenses(rig: Rig) -> tuple[Lens | None, Lens | None]:
    """The infrared and the visible lens: those of [alignment], or else those that a bag has beside its images."""
    sides = ((rig.alignment.infrared_lens, rig.infrared), (rig.alignment.visible_lens, rig.visible))
    infrared, visible = (lens or _recorded_lens(table.address) for lens, table in sides)
    return infrared, visible


def _recorded_lens(address: str) -> Lens | None:
    bag = split_bag(address)
    if bag is None:
        return None
    from coconet.runtime.cameras.bag import topic_lens

    return topic_lens(bag)


def rig_info(rig: Rig, side: Side) -> KnownInfo:
    """What is known of a side's lens, for bags: what the rig says, and what a bag has beside the images of the side."""
    from coconet.runtime.cameras.bag import topic_info
    from coconet.runtime.ros.known_info import KnownInfo

    visible = side == "visible"
    lens = rig.alignment.visible_lens if visible else rig.alignment.infrared_lens
    bag = split_bag((rig.visible if visible else rig.infrared).address)
    with suppress(CoconetError):  # damage, which is told where the images are read
        return dataclasses.replace((bag and topic_info(bag)) or KnownInfo(), lens=lens)
    return KnownInfo(lens)


def open_cameras(rig: Rig, opener: CameraOpener | None = None) -> tuple[Camera, Camera]:
    """Open the visible and the infrared camera; the caller closes them. An error leaves none open."""
    visible, infrared = _open_both(rig, opener or open_side)
    return _pace(visible, infrared) if rig.realtime else (visible, infrared)


def _open_both(rig: Rig, opener: CameraOpener) -> tuple[Camera, Camera]:
    if found := one_source(rig):
        warn_once(f"{found}, which shows nothing that it does not show by itself.")
    visible = opener(rig, "visible")
    with ExitStack() as stack:
        stack.callback(visible.close)
        infrared = opener(rig, "infrared")
        stack.callback(infrared.close)
        _warn_of_made_up_times(visible, infrared)
        cameras = _on_steady_clocks(rig, visible, infrared)
        stack.pop_all()
    return cameras


def _warn_of_made_up_times(*cameras: Camera) -> None:
    """Warn where pictures that have no times are to be paired by time, at a rate that nobody said."""
    for camera, other in zip(cameras, reversed(cameras), strict=True):
        if getattr(camera, "rate_said", True) is False and getattr(other, "rate_said", True):
            warn_once(
                f"{camera.name}: pictures have no times, so they are paired as if taken {FOLDER_FPS:g} times a second; "
                "--fps, or fps in the rig file, says another rate."
            )


def _on_steady_clocks(rig: Rig, visible: Camera, infrared: Camera) -> tuple[Camera, Camera]:
    """Files with clocks of their own, with the jumps of these taken out, and laid together as the rig says."""
    of_bags = all(getattr(camera, "bag_clock", False) for camera in (visible, infrared))
    first, second = (
        FileClock(camera, bag_clock=of_bags) if getattr(camera, "own_clock", False) else camera
        for camera in (visible, infrared)
    )
    if of_bags:
        from coconet.runtime.cameras.bag import share_clock

        share_clock(visible, infrared)
        if rig.pairing.starts != "together":  # headers of a robot's cameras are stamped by one clock
            return first, second
    if not (isinstance(first, FileClock) and isinstance(second, FileClock)):
        for camera in (first, second):
            if isinstance(camera, FileClock) and rig.pairing.starts != "stamped":
                camera.begin_at_zero()
        return first, second
    offsets = rig.visible.offset_ms or rig.infrared.offset_ms
    if rig.pairing.starts == "together" or (rig.pairing.starts == "auto" and not offsets):
        align_starts(first, second, 0 if rig.pairing.starts == "together" else _tolerance_ns(rig))
    return first, second


def _pairing(rig: Rig) -> Pairing:
    return Pairing(
        tolerance_ns=_tolerance_ns(rig),
        visible_offset_ns=round(rig.visible.offset_ms * _MS_NS),
        infrared_offset_ns=round(rig.infrared.offset_ms * _MS_NS),
        policy=rig.pairing.policy,
    )


def _tolerance_ns(rig: Rig) -> int | None:
    return None if rig.pairing.tolerance_ms is None else round(rig.pairing.tolerance_ms * _MS_NS)


def _preparation(rig: Rig, camera_names: tuple[str, str], *, align: bool, gives_misfits: bool) -> Preparation:
    """What the rig file says happens to pairs; the names of the cameras stand in for those it does not give."""
    names = (rig.visible.name or camera_names[0], rig.infrared.name or camera_names[1])
    thermal, meters = thermal_stretch(rig, gives_misfits=gives_misfits), rig_meters(rig)
    if not align:
        return Preparation(thermal, None, names, meters=meters)
    alarm_px = rig.alignment.drift_alarm_px
    drift = None if alarm_px is None else DriftWatch(alarm_px)
    return Preparation(thermal, Placement(rig.alignment.alignment(), rig.alignment.fit), names, drift, meters)


def rig_meters(rig: Rig) -> Meters | None:
    """What reads the temperatures of a rig; None if it does not say how counts become degrees."""
    settings = rig.infrared.temperature
    if settings is None:
        return None
    from coconet.runtime.heat.meters import Meters
    from coconet.runtime.heat.thermometer import Thermometer

    return Meters(Thermometer(settings, rig.infrared.no_data), rig.meter, rig.health.limits())


def thermal_stretch(rig: Rig, *, gives_misfits: bool = False) -> ThermalStretch:
    """The thermal front end of a rig; with `range_of = all` its infrared source is read through once for the limits.

    gives_misfits: whether what cannot be read is left out of them, as open_side takes it.
    """
    settings = rig.infrared.thermal_settings()
    if settings.range_of != "all":
        return ThermalStretch(settings)
    with closing(open_side(rig, "infrared", gives_misfits=gives_misfits)) as camera:
        if camera.realtime:
            return ThermalStretch(settings)  # which refuses it: there is no end to wait for
        pictures = (frame.pixels for frame in iter(camera.read, None) if frame.misfit is None)
        return ThermalStretch(settings, common_limits(pictures, settings))


def _allow_one_absent(rig: Rig, opener: CameraOpener) -> CameraOpener:
    """Open cameras so that one of them may be absent; not both: then rather the rig file is wrong."""
    absent: list[Role] = []

    def either(_rig: Rig, role: Role) -> Camera:
        try:
            return opener(rig, role)
        except CameraAbsent as absence:
            log_event("camera", level=logging.WARNING, side=role, state="lost", trouble=str(absence))
            absent.append(role)
            if len(absent) == len(ROLES):
                raise
            table = rig.visible if role == "visible" else rig.infrared
            return AbsentCamera(table.display_name, absence)

    return either


def _paired_pictures(rig: Rig) -> dict[Role, Pictures]:
    """What two folders that are paired picture by picture hold, in the order of their pairs; nothing of other cameras.

    A picture beside a folder is paired with the one of its name there; a TIFF file may be a video of several pages.
    Raises CoconetError for pictures without a partner, and for pair_by if there are no two folders.
    """
    addresses = (rig.visible.address, rig.infrared.address)
    folders = [is_folder(address) or _is_still(address) for address in addresses]
    if all(folders) and any(map(is_folder, addresses)) and rig.visible.fps == rig.infrared.fps:
        from coconet.runtime.cameras.pair_folder import paired_sides

        return dict(zip(ROLES, paired_sides(Path(addresses[0]), Path(addresses[1]), rig.pairing.pair_by), strict=True))
    if rig.pairing.pair_by is not None:
        raise CoconetError(
            "--pair-by",
            wanted="two folders of pictures, or one given for both sides",
            got=" and ".join(map(redact, addresses)),
            remedy="Leave it out: other cameras are paired by time.",
            says=f"does not apply to {' and '.join(map(redact, addresses))}: only folders of pictures are paired by "
            "name",
        )
    return {}


def paired_names(rig: Rig) -> list[str]:
    """What the pairs of two folders are called, in their order; none if pairs are made by time. Raises as open_rig."""
    pictures = _paired_pictures(rig).get("visible")
    return [] if pictures is None else list(pictures.names)


def _is_still(address: str) -> bool:
    return is_picture(Path(address)) and Path(address).suffix.lower() not in (".tif", ".tiff")


def open_side(rig: Rig, role: Role, *, gives_misfits: bool = False) -> Camera:
    """Open one camera of a rig by its address.

    gives_misfits: see Pictures; of a recording, damaged frames are left out.
    """
    table = rig.visible if role == "visible" else rig.infrared
    pictures = _paired_pictures(rig).get(role)
    if pictures is not None and gives_misfits:
        pictures = dataclasses.replace(pictures, gives_misfits=True)
    settings = CameraSettings(
        table.fps, table.size_px, table.frame_layout(), rig.infrared.palette, pictures, gives_misfits, table.decoder
    )
    return open_camera(fill_in(table.address), role, settings)


def _pace(visible: Camera, infrared: Camera) -> tuple[Camera, Camera]:
    """Replay recordings at their own pace, as live cameras; what is live stays as it is."""
    from coconet.runtime.cameras.files import Pace, PacedCamera

    starts = [frames[0].timestamp_ns for frames in map(_first_frames, (visible, infrared)) if frames]
    pace = Pace(min(starts, default=0))
    first, second = (camera if camera.realtime else PacedCamera(camera, pace) for camera in (visible, infrared))
    return first, second


def _first_frames(camera: Camera) -> list[Frame]:
    """The first frames of a file whose stamps may begin anywhere."""
    peek: Callable[[], list[Frame]] | None = getattr(camera, "peek", None)
    return [] if peek is None else peek()
