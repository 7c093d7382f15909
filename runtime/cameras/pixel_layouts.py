"""How the bytes of a USB camera are laid out: a table of thermal cores, and their pictures taken from raw buffers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from coconet.errors import CoconetError
from coconet.media.pixels import RawPixels

Samples = Literal["u8", "u16le", "u16be"]


@dataclass(frozen=True)
class FrameLayout:
    """What to ask a camera for, and where its picture is in what it sends.

    fourcc, width_px, height_px: the pixel format and the size to ask for. samples: the type of the picture's samples.
    first_row, rows: the part of the buffer's rows that holds the picture.
    """

    fourcc: str
    width_px: int
    height_px: int
    samples: Samples = "u16le"
    first_row: int = 0
    rows: int | None = None

    def picture(self, buffer: RawPixels) -> RawPixels:
        """Take (rows, width_px, 1) uint8 or uint16 pixels from a buffer of height_px rows, in whatever shape it comes.

        Raises CoconetError for a buffer of another size.
        """
        data = np.ascontiguousarray(buffer).view(np.uint8).reshape(-1)
        bytes_each = 1 if self.samples == "u8" else 2
        wanted = self.width_px * self.height_px * bytes_each
        if data.size != wanted:
            raise CoconetError(
                f"{self.fourcc} {self.width_px}x{self.height_px}",
                wanted=f"{wanted} bytes a frame",
                got=f"{data.size}",
                remedy="Name the layout of this camera in the rig file.",
            )
        kind = {"u8": "u1", "u16le": "<u2", "u16be": ">u2"}[self.samples]
        samples = np.frombuffer(data.tobytes(), kind).reshape(self.height_px, self.width_px, 1)
        last = self.height_px if self.rows is None else self.first_row + self.rows
        return np.asarray(samples[self.first_row : last], np.uint8 if bytes_each == 1 else np.uint16)


LAYOUTS: dict[str, FrameLayout] = {
    "lepton": FrameLayout("Y16 ", 160, 120),
    "lepton-2": FrameLayout("Y16 ", 80, 60),
    "boson-320": FrameLayout("Y16 ", 320, 256),
    "boson-640": FrameLayout("Y16 ", 640, 512),
    "p2-pro": FrameLayout("YUYV", 256, 384, first_row=192, rows=192),
    "tc001": FrameLayout("YUYV", 256, 384, first_row=192, rows=192),
    "seek-compact": FrameLayout("Y16 ", 206, 156),
    "seek-pro": FrameLayout("Y16 ", 320, 240),
}
"""FLIR Lepton on PureThermal, FLIR Boson, InfiRay P2 Pro and Topdon TC001 (picture above, raw counts below, two bytes a
sample in what calls itself YUYV), Seek through its v4l2loopback driver. None of them was at hand: the sizes are those
that their makers and drivers publish."""


def frame_layout(name: str) -> FrameLayout:
    """Look a layout up. Raises CoconetError that lists those there are."""
    if name not in LAYOUTS:
        raise CoconetError("layout", wanted=" or ".join(LAYOUTS), got=repr(name), remedy="Correct the name.")
    return LAYOUTS[name]
