"""The cameras of a rig: whether their addresses answer, what they give, and whether the two get on with each other."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from coconet.errors import CoconetError
from coconet.runtime.cameras.camera import CameraWithoutVideo
from coconet.runtime.cameras.device.usb_bus import crowded_buses
from coconet.runtime.cameras.open_camera import ROLES
from coconet.runtime.doctor.finding import Finding
from coconet.runtime.preprocess.fit import Placement
from coconet.runtime.rig.camera_facts import CameraFacts, probe_camera
from coconet.runtime.rig.open_rig import open_side
from coconet.runtime.rig.rig_file import Rig

_UNLIKE_RATES = 1.5


def rig_findings(rig: Rig, root: Path = Path("/")) -> Iterator[Finding]:
    """Try both addresses, one after the other, for some seconds each. root: where /sys lies."""
    looks: list[CameraFacts] = []
    for role in ROLES:
        table = rig.visible if role == "visible" else rig.infrared
        subject = f"{role} {table.display_name}"
        try:
            look = probe_camera(partial(open_side, rig, role))
        except CoconetError as error:
            yield Finding(subject, "bad", _why_not(error, subject), error.remedy)
            continue
        if look is None:
            yield Finding(subject, "bad", "opens, and gives no frame", "Check that it is sending.")
            continue
        looks.append(look)
        yield Finding(subject, "ok", str(look))
    if len(looks) == len(ROLES):
        yield from _together(rig, *looks)
    yield from usb_findings([Path(one) for one in (rig.visible.address, rig.infrared.address)], root)


def usb_findings(devices: list[Path], root: Path = Path("/")) -> Iterator[Finding]:
    """Say which cameras share a USB bus."""
    for places in crowded_buses(devices, root):
        names = " and ".join(str(place.device) for place in places)
        yield Finding(
            f"USB bus {places[0].bus}",
            "note",
            f"{names} share {places[0].mbit_s:g} Mbit/s; two raw streams can starve each other",
            "If frames stay away, plug one into a port of another bus (lsusb -t), or ask for less: size, rate, format.",
        )


def _why_not(error: CoconetError, subject: str) -> str:
    """Reachable and without video, or what the error says: of the subject, or of what it names, such as a variable."""
    if isinstance(error, CameraWithoutVideo):
        return f"answers, but {error.says}"
    return error.says if error.where in subject else f"{error.where} {error.says}"


def _together(rig: Rig, visible: CameraFacts, infrared: CameraFacts) -> Iterator[Finding]:
    placement = Placement(rig.alignment.alignment(), rig.alignment.fit)
    try:
        told = placement.described(infrared.size_px, visible.size_px)
        yield Finding("alignment", "note" if told else "ok", told or "sizes fit")
    except CoconetError as error:
        yield Finding("alignment", "bad", error.says, "coconet align rig.toml")
    rates = [look.fps for look in (visible, infrared) if look.fps]
    if len(rates) == len(ROLES) and max(rates) > _UNLIKE_RATES * min(rates):
        told = f"{rates[0]:.3g} and {rates[1]:.3g} fps: with policy drop the slower one sets the pace"
        yield Finding("rates", "note", told, '[pairing] policy = "hold" shows every frame of the faster one')
    if {visible.stamps, infrared.stamps} == {"stream", "arrival"}:
        told = "one stamps frames when they were sent, the other one when they arrive"
        yield Finding("clocks", "note", told, "coconet offset rig.toml")
