"""Calls of the Video4Linux kernel interface: what a device node is, and the formats it lists.

Structures and numbers are those of linux/videodev2.h, the kernel's user interface.
"""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

READ_WRITE, READ = 3, 2

CAPTURE, CAPTURE_PLANES = 1, 9
"""V4L2_BUF_TYPE_VIDEO_CAPTURE, and the same of drivers that keep the planes of a picture apart."""

_OUTPUT, _OUTPUT_PLANES = 2, 10  # of what a program gives to the device

DEVICE_CAPS = 0x80000000

_MEMORY_TO_MEMORY = 0x00008000 | 0x00004000  # either, of one plane or several: pictures in, something else out

CAPABILITY = struct.Struct("16s32s32sIII12x")

FORMAT = struct.Struct("III32s4sI12x")

Control = Callable[[int, int, bytearray], int]
"""`fcntl.ioctl`: file, number and a buffer that is changed in place; raises OSError."""


def number_call(direction: int, index: int, size: int) -> int:
    """Number a V4L2 call as the kernel's _IOC macro does."""
    return direction << 30 | size << 16 | ord("V") << 8 | index


QUERY_CAPABILITY = number_call(READ, 0, CAPABILITY.size)

LIST_FORMAT = number_call(READ_WRITE, 2, FORMAT.size)


def system_control() -> Control | None:
    """The system's own ioctl; None outside Linux."""
    if not sys.platform.startswith("linux"):
        return None
    import fcntl

    return fcntl.ioctl


def capability(file: int, control: Control) -> tuple[str, str, int]:
    """The driver, the card and the V4L2_CAP flags of an open device node. Raises OSError for one of another kind."""
    answer = bytearray(CAPABILITY.size)
    control(file, QUERY_CAPABILITY, answer)
    driver, card, _, _, whole, own = CAPABILITY.unpack(answer)
    names = [raw.rstrip(b"\0").decode(errors="replace") for raw in (driver, card)]
    return names[0], names[1], own if whole & DEVICE_CAPS else whole


def list_formats(file: int, control: Control, kind: int) -> Iterator[bytearray]:
    """The formats of an open device node, one FORMAT each; kind: CAPTURE or CAPTURE_PLANES."""
    return list_answers(file, control, LIST_FORMAT, lambda at: FORMAT.pack(at, kind, 0, b"", b"", 0))


def list_answers(file: int, control: Control, number: int, request: Callable[[int], bytes]) -> Iterator[bytearray]:
    """Ask for entry after entry until the driver says that there are no more."""
    for index in range(256):
        answer = bytearray(request(index))
        try:
            control(file, number, answer)
        except OSError:
            return
        yield answer


M2M_NODES = ("dev/video*",)
"""Where codecs are, among cameras."""

Way = Literal["encode", "decode"]


def coding_nodes(fourcc: bytes, way: Way, root: Path = Path("/"), control: Control | None = None) -> list[Path]:
    """The nodes under `root`/dev that turn pictures into a codec's data, or back; a camera that gives them is none.

    Never raises. control: what stands in for ioctl in tests.
    """
    ask = control or system_control()
    nodes = [] if ask is None else sorted((root / "dev").glob("video*"))
    return [node for node in nodes if ask is not None and _codes(node, fourcc, way, ask)]


def _codes(node: Path, fourcc: bytes, way: Way, control: Control) -> bool:
    try:
        file = os.open(node, os.O_RDWR | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        if not capability(file, control)[2] & _MEMORY_TO_MEMORY:
            return False
        kinds = (CAPTURE, CAPTURE_PLANES) if way == "encode" else (_OUTPUT, _OUTPUT_PLANES)
        return any(FORMAT.unpack(one)[4] == fourcc for kind in kinds for one in list_formats(file, control, kind))
    except OSError:
        return False
    finally:
        os.close(file)
