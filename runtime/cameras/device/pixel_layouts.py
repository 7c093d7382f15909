"""How the bytes of a USB camera are laid out: a table of thermal cores, and their pictures taken from raw buffers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from coconet.errors import CoconetError, Refused
from coconet.media.pixels import RawPixels

Samples = Literal["u8", "u16", "i16", "f32"]

ByteOrder = Literal["little", "big"]

_KINDS: dict[Samples, str] = {"u8": "u1", "u16": "u2", "i16": "i2", "f32": "f4"}


_MOST_PX, _FOURCC = 65_536, 4


@dataclass(frozen=True)
class FrameLayout:
    """What to ask a camera for, and where its picture is in what it sends.

    fourcc, width, height: the pixel format and the size to ask for, in pixels. first_row, rows: the part of the rows
    that holds the picture, all behind first_row if not given. samples, byte_order: the type of its samples.
    scale: what one of their steps is in the unit that the picture is to have, such as 0.01 for hundredths of a kelvin;
    samples that are scaled, and those with a sign, become float32.
    """

    fourcc: str
    width: int
    height: int
    first_row: int = 0
    rows: int | None = None
    samples: Samples = "u16"
    byte_order: ByteOrder = "little"
    scale: float = 1.0

    def __post_init__(self) -> None:
        last = self.height if self.rows is None else self.first_row + self.rows
        sides = 0 < self.width <= _MOST_PX and 0 < self.height <= _MOST_PX and 0 <= self.first_row < last <= self.height
        if not (sides and len(self.fourcc) == _FOURCC and self.fourcc.isascii() and 0 < abs(self.scale) < 1e9):
            raise Refused(
                "[infrared] layout",
                wanted="a fourcc of four characters, sides of 1 to 65536, rows within the height, and a scale but 0",
                got=f"{self.fourcc[:8]!r}, {self.width}x{self.height}, rows {self.first_row} to {last}, {self.scale:g}",
                remedy="v4l2-ctl --list-formats-ext says what the camera sends; YUYV and 'Y16 ' are usual.",
                says="needs a fourcc of four characters, sides of 1 to 65536, rows within the height, and a scale "
                f"other than 0; it has {self.fourcc[:8]!r}, {self.width}x{self.height}, "
                f"rows {self.first_row} to {last}, scale {self.scale:g}",
            )

    def picture(self, buffer: RawPixels) -> RawPixels:
        """Take (rows, width, 1) uint8, uint16 or float32 pixels from a buffer of `height` rows, whatever its shape is.

        Raises CoconetError for a buffer of another size.
        """
        samples = self.samples_of(buffer)
        last = self.height if self.rows is None else self.first_row + self.rows
        picture = samples[self.first_row : last]
        if self.scale == 1 and self.samples in ("u8", "u16"):
            return np.asarray(picture, np.uint8 if self.samples == "u8" else np.uint16)
        scaled: RawPixels = np.asarray(picture, np.float32) * np.float32(self.scale)
        return scaled

    def samples_of(self, buffer: RawPixels) -> RawPixels:
        """All (height, width, 1) samples of a buffer, whatever its shape is; other pictures and telemetry among them.

        Raises CoconetError for a buffer of another size.
        """
        data = np.ascontiguousarray(buffer).view(np.uint8).reshape(-1)
        kind = np.dtype(_KINDS[self.samples]).newbyteorder("<" if self.byte_order == "little" else ">")
        wanted = self.width * self.height * kind.itemsize
        if data.size != wanted:
            raise CoconetError(
                f"{self.fourcc} {self.width}x{self.height}",
                wanted=f"{wanted} bytes a frame",
                got=f"{data.size}",
                remedy="Name the layout of this camera in the rig file.",
                says=f"should come in frames of {wanted} bytes, but the camera sent {data.size}",
            )
        return np.frombuffer(data.tobytes(), kind).reshape(self.height, self.width, 1)


LAYOUTS: dict[str, FrameLayout] = {
    "lepton": FrameLayout("Y16 ", 160, 120),
    "lepton-2": FrameLayout("Y16 ", 80, 60),
    "boson-320": FrameLayout("Y16 ", 320, 256),
    "boson-640": FrameLayout("Y16 ", 640, 512),
    "p2-pro": FrameLayout("YUYV", 256, 384, first_row=192, rows=192),
    "tc001": FrameLayout("YUYV", 256, 384, first_row=192, rows=192),
    "yuyv-256x386": FrameLayout("YUYV", 256, 386, first_row=194, rows=192),
    "tc002c-duo": FrameLayout("YUYV", 256, 386, first_row=194, rows=192),
    "lepton-telemetry": FrameLayout("Y16 ", 160, 122, rows=120),
    "lepton-2-telemetry": FrameLayout("Y16 ", 80, 63, rows=60),
    "boson-320-telemetry": FrameLayout("Y16 ", 320, 258, first_row=2, rows=256),
    "boson-640-telemetry": FrameLayout("Y16 ", 640, 514, first_row=2, rows=512),
    "seek-compact": FrameLayout("Y16 ", 206, 156),
    "seek-pro": FrameLayout("Y16 ", 320, 240),
}
"""FLIR Lepton on PureThermal, FLIR Boson, InfiRay P2 Pro and Topdon TC001 (picture above, raw counts below, two bytes a
sample in what calls itself YUYV; of 386 rows, two between the two pictures are no picture), Seek through its
v4l2loopback driver. Telemetry: two or three rows below the picture of a Lepton, two above that of a Boson. None of them
was at hand: the sizes are those that their makers and drivers publish, and a camera may be set otherwise."""


def frame_layout(name: str) -> FrameLayout:
    """Look a layout up. Raises CoconetError that lists those there are."""
    if name not in LAYOUTS:
        raise Refused(
            "layout",
            wanted=" or ".join(LAYOUTS),
            got=repr(name),
            remedy="Correct the name.",
            says=f"must be {' or '.join(LAYOUTS)}, not {name!r}",
        )
    return LAYOUTS[name]
