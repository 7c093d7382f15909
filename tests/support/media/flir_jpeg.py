"""A radiometric JPEG as FLIR cameras write it: a coloured picture, raw counts, a visible picture and the settings."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_CELSIUS_0 = 273.15

PLANCK = {"r1": 14906.216, "b": 1396.5, "f": 1.0, "o": -7261, "r2": 0.010956882}
"""Constants of a FLIR E40, as its files hold them."""


def write_flir_jpeg(
    path: Path,
    counts: NDArray[np.uint16],
    shown: NDArray[np.uint8],
    visible: NDArray[np.uint8],
    emissivity: float = 1.0,
) -> Path:
    """Write counts (H, W), the coloured picture that programs show and the visible one, both (H, W, 3) RGB."""
    records = {1: _raw(counts), 14: _embedded(visible), 32: _camera_info(emissivity)}
    entries = len(records) + 2  # as in the files of cameras, some stay empty
    body, directory, offset = b"", b"", 64 + 32 * entries
    for kind, record in records.items():
        directory += struct.pack(">HHIIIIIII", kind, 2, 100, kind, offset + len(body), len(record), 0, 0, 0)
        body += record
    head = b"FFF\0" + b"MTX IR\0".ljust(16, b"\0") + struct.pack(">III", 100, 64, entries) + bytes(28) + bytes(4)
    jpeg = io.BytesIO()
    Image.fromarray(shown).save(jpeg, "JPEG", quality=95)
    path.write_bytes(b"\xff\xd8" + _segments(head + directory.ljust(32 * entries, b"\0") + body) + jpeg.getvalue()[2:])
    return path


def counts_of(celsius: NDArray[np.float64]) -> NDArray[np.uint16]:
    """Planck's curve of the camera, for an emissivity of 1 and no air between."""
    kelvin = celsius + _CELSIUS_0
    raw = PLANCK["r1"] / (PLANCK["r2"] * (np.exp(PLANCK["b"] / kelvin) - PLANCK["f"])) - PLANCK["o"]
    return np.rint(raw).astype(np.uint16)


def _segments(data: bytes, most: int = 60000) -> bytes:
    parts = [data[start : start + most] for start in range(0, len(data), most)]
    return b"".join(
        b"\xff\xe1" + struct.pack(">H", len(part) + 10) + b"FLIR\0\1" + bytes([index, len(parts) - 1]) + part
        for index, part in enumerate(parts)
    )


def _raw(counts: NDArray[np.uint16]) -> bytes:
    head = struct.pack("<HHH", 2, counts.shape[1], counts.shape[0]).ljust(32, b"\0")
    return head + counts.astype("<u2").tobytes()


def _embedded(visible: NDArray[np.uint8]) -> bytes:
    png = io.BytesIO()
    Image.fromarray(visible).save(png, "PNG")
    return struct.pack("<HHH", 3, visible.shape[1], visible.shape[0]).ljust(32, b"\0") + png.getvalue()


def _camera_info(emissivity: float) -> bytes:
    info = bytearray(900)
    struct.pack_into("<6f", info, 32, emissivity, 0.0, 293.15, 293.15, 293.15, 1.0)
    struct.pack_into("<f", info, 60, 0.0)
    struct.pack_into("<3f", info, 88, PLANCK["r1"], PLANCK["b"], PLANCK["f"])
    struct.pack_into("<5f", info, 112, 0.006569, 0.01262, -0.002276, -0.00667, 1.9)
    struct.pack_into("<if", info, 776, PLANCK["o"], PLANCK["r2"])
    return bytes(info)
