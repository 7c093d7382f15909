"""V4L2 cameras of this machine: their lasting names, formats and sizes, asked of the kernel by its own calls.

Structures and numbers are those of linux/videodev2.h, the kernel's user interface.
"""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

READ_WRITE, READ = 3, 2

CAPTURE = 1
"""V4L2_BUF_TYPE_VIDEO_CAPTURE."""

VIDEO_CAPTURE, DEVICE_CAPS = 0x00000001, 0x80000000

DISCRETE = 1

CAPABILITY = struct.Struct("16s32s32sIII12x")

FORMAT = struct.Struct("III32s4sI12x")

SIZE = struct.Struct("I4sI24x8x")
"""v4l2_frmsizeenum: index, pixel format, type, then six numbers of which a discrete size uses two."""


def _number(direction: int, index: int, size: int) -> int:
    """Number a V4L2 call as the kernel's _IOC macro does."""
    return direction << 30 | size << 16 | ord("V") << 8 | index


QUERY_CAPABILITY = _number(READ, 0, CAPABILITY.size)

LIST_FORMAT = _number(READ_WRITE, 2, FORMAT.size)

LIST_SIZE = _number(READ_WRITE, 74, SIZE.size)

Control = Callable[[int, int, bytearray], int]
"""`fcntl.ioctl`: file, number and a buffer that is changed in place; raises OSError."""


@dataclass(frozen=True)
class V4l2Format:
    """A pixel format by its four letters, such as `YUYV` or `Y16 `, with the (width, height) it comes in, in pixels.

    A camera that takes any size within limits lists the smallest and the largest.
    """

    fourcc: str
    description: str
    sizes_px: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class V4l2Device:
    """A camera. path: /dev/video0. by_id: its name that survives a reboot, where the system gives one.

    problem: why it could not be asked, such as missing permission; then name, driver and formats are empty.
    """

    path: Path
    by_id: Path | None
    name: str = ""
    driver: str = ""
    formats: tuple[V4l2Format, ...] = ()
    problem: str | None = None


def v4l2_devices(root: Path = Path("/"), control: Control | None = None) -> list[V4l2Device]:
    """Find the cameras under `root`/dev, without nodes that only carry metadata. Never raises; empty outside Linux.

    control: what stands in for ioctl in tests.
    """
    nodes = sorted((root / "dev").glob("video*"), key=lambda node: (len(node.name), node.name))
    lasting = _lasting_names(root)
    ask = control or _ioctl()
    if ask is None:
        return []
    devices = (_device(node, lasting.get(node.name), ask) for node in nodes)
    return [device for device in devices if device is not None]


def _ioctl() -> Control | None:
    if not sys.platform.startswith("linux"):
        return None
    import fcntl

    return fcntl.ioctl


def _lasting_names(root: Path) -> dict[str, Path]:
    """Map video0 to its link under /dev/v4l/by-id, or, where the camera has no serial number, under by-path."""
    found: dict[str, Path] = {}
    for kind in ("by-path", "by-id"):
        for link in sorted((root / "dev" / "v4l" / kind).glob("*")):
            found[link.readlink().name if link.is_symlink() else link.name] = link
    return found


def _device(node: Path, by_id: Path | None, control: Control) -> V4l2Device | None:
    try:
        file = os.open(node, os.O_RDWR | os.O_NONBLOCK)
    except OSError as error:
        return V4l2Device(node, by_id, problem=error.strerror or str(error))
    try:
        answer = bytearray(CAPABILITY.size)
        control(file, QUERY_CAPABILITY, answer)
        driver, card, _, _, whole, own = CAPABILITY.unpack(answer)
        if not (own if whole & DEVICE_CAPS else whole) & VIDEO_CAPTURE:
            return None
        formats = tuple(_formats(file, control))
        return V4l2Device(node, by_id, _text(card), _text(driver), formats)
    except OSError as error:
        return V4l2Device(node, by_id, problem=error.strerror or str(error))
    finally:
        os.close(file)


def _formats(file: int, control: Control) -> Iterator[V4l2Format]:
    for answer in _listed(file, control, LIST_FORMAT, lambda at: FORMAT.pack(at, CAPTURE, 0, b"", b"", 0)):
        _, _, _, description, fourcc, _ = FORMAT.unpack(answer)
        yield V4l2Format(_text(fourcc), _text(description), tuple(_sizes(file, control, fourcc)))


def _sizes(file: int, control: Control, fourcc: bytes) -> Iterator[tuple[int, int]]:
    for answer in _listed(file, control, LIST_SIZE, lambda at: SIZE.pack(at, fourcc, 0)):
        kind, *numbers = struct.unpack_from("I6I", answer, 8)
        if kind == DISCRETE:
            yield numbers[0], numbers[1]
        else:  # smallest and largest width with a step, then the same of the height
            yield from ((numbers[0], numbers[3]), (numbers[1], numbers[4]))
            return


def _listed(file: int, control: Control, number: int, request: Callable[[int], bytes]) -> Iterator[bytearray]:
    """Ask for entry after entry until the driver says that there are no more."""
    for index in range(256):
        answer = bytearray(request(index))
        try:
            control(file, number, answer)
        except OSError:
            return
        yield answer


def _text(raw: bytes) -> str:
    return raw.rstrip(b"\0").decode(errors="replace")
