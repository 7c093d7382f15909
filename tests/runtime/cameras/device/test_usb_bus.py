"""Who shares a USB bus, from a /sys made by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from coconet.runtime.cameras.device.usb_bus import bus_advice, crowded_buses, usb_place
from coconet.runtime.doctor.rig import usb_findings


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two cameras on bus 1, one on the fast half of the same ports, and one of the board."""
    for name, bus, speed in (("video0", 1, "480"), ("video2", 1, "480"), ("video4", 2, "5000"), ("video6", None, "")):
        device = tmp_path / "sys" / "devices" / f"usb{bus}" / name
        (device / "1.0").mkdir(parents=True)
        if bus is not None:
            (device / "busnum").write_text(f"{bus}\n")
            (device / "speed").write_text(f"{speed}\n")
        link = tmp_path / "sys" / "class" / "video4linux" / name
        link.mkdir(parents=True)
        (link / "device").symlink_to(device / "1.0")
        (tmp_path / "dev").mkdir(exist_ok=True)
        (tmp_path / "dev" / name).touch()
    return tmp_path


def test_cameras_of_one_bus_are_found(root: Path) -> None:
    devices = [Path(f"/dev/video{number}") for number in (0, 2, 4, 6)]
    assert [[place.device.name for place in places] for places in crowded_buses(devices, root)] == [
        ["video0", "video2"]
    ]
    assert usb_place(devices[3], root) is None
    (finding,) = usb_findings(devices, root)
    assert (finding.state, finding.subject) == ("note", "USB bus 1")
    assert "/dev/video0 and /dev/video2 share 480 Mbit/s" in finding.found


def test_a_camera_that_gives_no_frame_is_told_who_starves_it(root: Path) -> None:
    assert "shares USB bus 1 with video2" in bus_advice("/dev/video0", root)
    assert bus_advice("/dev/video4", root) == bus_advice("/dev/video6", root) == "Check the cable."


@pytest.mark.parametrize("address", ["rtsp://" + "a" * 10000, "a\0b", ""])
def test_an_address_that_is_no_device_is_at_no_port(address: str) -> None:
    assert usb_place(Path(address)) is None
