"""Cameras of the kernel, with a stand-in for its calls; the layouts are compared with the kernel's own headers."""

from __future__ import annotations

import errno
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from coconet.media.hardware import v4l2_calls
from coconet.runtime.doctor import v4l2
from coconet.runtime.doctor.v4l2 import V4l2Format, v4l2_devices

LAYOUT = """
#include <linux/videodev2.h>
#include <stdio.h>
int main(void) {
    printf("%lu %lu %lu", (unsigned long)VIDIOC_QUERYCAP, (unsigned long)VIDIOC_ENUM_FMT,
           (unsigned long)VIDIOC_ENUM_FRAMESIZES);
}
"""


class Camera:
    """Answers as a thermal camera's driver; stepwise: sizes within limits instead of listed ones."""

    def __init__(self, flags: int = 1, stepwise: bool = False) -> None:
        self.flags, self.stepwise = flags, stepwise

    def __call__(self, file: int, number: int, answer: bytearray) -> int:
        index = struct.unpack_from("I", answer)[0]
        if number == v4l2_calls.QUERY_CAPABILITY:
            answer[:] = v4l2_calls.CAPABILITY.pack(b"uvcvideo", b"Boson", b"usb-1", 6, 0x80000001, self.flags)
        elif number == v4l2_calls.LIST_FORMAT and index < 2:
            name, fourcc = ((b"16-bit gray", b"Y16 "), (b"YUYV 4:2:2", b"YUYV"))[index]
            answer[:] = v4l2_calls.FORMAT.pack(index, 1, 0, name, fourcc, 0)
        elif number == v4l2.LIST_SIZE and index < (1 if self.stepwise else 2):
            numbers = (80, 640, 16, 60, 512, 4) if self.stepwise else ((640, 512), (320, 256))[index] + (0,) * 4
            struct.pack_into("I6I", answer, 8, 3 if self.stepwise else 1, *numbers)
        else:
            raise OSError(errno.EINVAL, "Invalid argument")
        return 0


@pytest.fixture
def root(tmp_path: Path) -> Path:
    links = tmp_path / "dev" / "v4l" / "by-id"
    links.mkdir(parents=True)
    for name in ("video0", "video10", "video2"):
        (tmp_path / "dev" / name).touch()
    (links / "usb-FLIR_Boson_1234-video-index0").symlink_to("../../video2")
    return tmp_path


def test_a_camera_lists_its_formats_and_sizes(root: Path) -> None:
    found = v4l2_devices(root, Camera())
    assert [device.path.name for device in found] == ["video0", "video2", "video10"]
    assert (found[0].name, found[0].driver, found[0].problem) == ("Boson", "uvcvideo", None)
    sizes = ((640, 512), (320, 256))
    assert found[0].formats == (V4l2Format("Y16 ", "16-bit gray", sizes), V4l2Format("YUYV", "YUYV 4:2:2", sizes))


def test_a_camera_keeps_its_name_over_a_reboot(root: Path) -> None:
    names = [device.by_id.name if device.by_id else None for device in v4l2_devices(root, Camera())]
    assert names == [None, "usb-FLIR_Boson_1234-video-index0", None]


def test_limits_are_given_as_smallest_and_largest(root: Path) -> None:
    assert v4l2_devices(root, Camera(stepwise=True))[0].formats[0].sizes_px == ((80, 60), (640, 512))


def test_nodes_that_carry_only_metadata_are_left_out(root: Path) -> None:
    assert v4l2_devices(root, Camera(flags=0x00800000)) == []


def test_a_node_that_is_no_camera_says_what_is_wrong(root: Path) -> None:
    assert all(device.problem for device in v4l2_devices(root))  # plain files know no V4L2 calls


def test_calls_are_numbered_as_in_the_kernels_headers(tmp_path: Path) -> None:
    if not shutil.which("gcc") or not Path("/usr/include/linux/videodev2.h").exists():
        pytest.skip("no gcc and kernel headers: apt install gcc linux-libc-dev")
    (tmp_path / "layout.c").write_text(LAYOUT)
    subprocess.run(["gcc", tmp_path / "layout.c", "-o", tmp_path / "layout"], check=True)
    told = subprocess.run([tmp_path / "layout"], capture_output=True, text=True, check=True).stdout
    assert told == f"{v4l2_calls.QUERY_CAPABILITY} {v4l2_calls.LIST_FORMAT} {v4l2.LIST_SIZE}"
