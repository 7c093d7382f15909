"""V4L2 cameras of this machine: their lasting names, formats and sizes, asked of the kernel by its own calls.

Structures and numbers are those of linux/videodev2.h, the kernel's user interface.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from coconet.media.hardware.v4l2_calls import (
    CAPTURE,
    FORMAT,
    READ_WRITE,
    Control,
    capability,
    list_answers,
    list_formats,
    number_call,
    system_control,
)

VIDEO_CAPTURE = 0x00000001

DISCRETE = 1

SIZE = struct.Struct("I4sI24x8x")
"""v4l2_frmsizeenum: index, pixel format, type, then six numbers of which a discrete size uses two."""


LIST_SIZE = number_call(READ_WRITE, 74, SIZE.size)


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
    ask = control or system_control()
    if ask is None:
        return []
    devices = (_device(node, lasting.get(node.name), ask) for node in nodes)
    return [device for device in devices if device is not None]


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
        driver, card, abilities = capability(file, control)
        if not abilities & VIDEO_CAPTURE:
            return None
        formats = tuple(_formats(file, control))
        return V4l2Device(node, by_id, card, driver, formats)
    except OSError as error:
        return V4l2Device(node, by_id, problem=error.strerror or str(error))
    finally:
        os.close(file)


def _formats(file: int, control: Control) -> Iterator[V4l2Format]:
    for answer in list_formats(file, control, CAPTURE):
        _, _, _, description, fourcc, _ = FORMAT.unpack(answer)
        yield V4l2Format(_text(fourcc), _text(description), tuple(_sizes(file, control, fourcc)))


def _sizes(file: int, control: Control, fourcc: bytes) -> Iterator[tuple[int, int]]:
    for answer in list_answers(file, control, LIST_SIZE, lambda at: SIZE.pack(at, fourcc, 0)):
        kind, *numbers = struct.unpack_from("I6I", answer, 8)
        if kind == DISCRETE:
            yield numbers[0], numbers[1]
        else:  # smallest and largest width with a step, then the same of the height
            yield from ((numbers[0], numbers[3]), (numbers[1], numbers[4]))
            return


def _text(raw: bytes) -> str:
    return raw.rstrip(b"\0").decode(errors="replace")
