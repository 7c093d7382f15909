"""Who shares a USB bus: cameras of this machine by the bus whose bandwidth they divide, as Linux lists them in /sys."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from coconet.installation.kernel_files import number_in


@dataclass(frozen=True)
class UsbPlace:
    """Where a camera is plugged in. bus: its number, as in `lsusb -t`. mbit_s: the speed that it was given there."""

    device: Path
    bus: int
    mbit_s: float

    @property
    def shares_with(self) -> tuple[int, float]:
        """What divides one bandwidth: a USB 3 port has a bus of its own for its fast and one for its slow devices."""
        return self.bus, self.mbit_s


def usb_place(device: Path, root: Path = Path("/")) -> UsbPlace | None:
    """Where a V4L2 device (or a link to one) is plugged in; None if that is no USB port. root: where /sys lies."""
    with suppress(OSError, ValueError):  # as of an address that is no path
        name = Path(os.path.realpath(device)).name
        here = (root / "sys" / "class" / "video4linux" / name / "device").resolve(strict=True)
        for folder in (here, *here.parents):
            if (folder / "busnum").is_file():
                bus, speed = (number_in(folder / what) for what in ("busnum", "speed"))
                return None if bus is None or speed is None else UsbPlace(device, int(bus), speed)
    return None


def crowded_buses(devices: Iterable[Path], root: Path = Path("/")) -> list[list[UsbPlace]]:
    """The devices that share a bus with another one of them, bus by bus."""
    by_bus: dict[tuple[int, float], list[UsbPlace]] = {}
    for device in devices:
        if (place := usb_place(device, root)) is not None:
            by_bus.setdefault(place.shares_with, []).append(place)
    return [places for _, places in sorted(by_bus.items()) if len(places) > 1]


def bus_advice(device: str, root: Path = Path("/")) -> str:
    """What to do where a camera gives no frames any more: name the cameras that starve it, if there are any."""
    here = Path(device)
    name = Path(os.path.realpath(here)).name
    others = [path for path in sorted((root / "dev").glob("video*")) if path.name != name]
    for places in crowded_buses([here, *others], root):
        beside = [place.device.name for place in places if place.device != here]
        if len(beside) < len(places) and beside:
            return (
                f"Check the cable. It shares USB bus {places[0].bus} with {', '.join(beside)}: plug one of them into a "
                "port of another bus (lsusb -t), or ask for a smaller size, a lower rate or a compressed format."
            )
    return "Check the cable."
