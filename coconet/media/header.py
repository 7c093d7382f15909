"""The header of a picture file: what is in it, read from its first bytes before any memory is taken for pixels."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from coconet.errors import CoconetError
from coconet.media.pixels import UPRIGHT

MOST_PIXELS = 1 << 26
"""67 million, such as 8192 x 8192: more than any camera of a rig gives, and 200 MB as colour."""


UNREAD_SUFFIXES = frozenset(
    {".heic", ".heif", ".avif", ".jxl", ".jp2", ".gif", ".tga", ".exr", ".hdr", ".dng", ".nef", ".cr2", ".cr3", ".arw"}
)
"""Endings of pictures that are not read, which in a folder of others would be missing without a word."""

_PNM = re.compile(rb"P([2356])" + 3 * rb"(?:\s|#[^\n]*\n)+(\d{1,9})" + rb"\s")
"""The header of gray and colour maps: width, height and the sample that is white, between blanks and comments."""


@dataclass(frozen=True)
class PictureHeader:
    """What a picture file says of itself.

    kind: png, jpeg, webp, bmp, tiff, pnm, or empty for bytes that are none of these. width_px, height_px: as stored.
    orientation: 1 to 8, as EXIF counts. gray: whether the picture has no colour channels, though a decoder may give
    some. frames: more than one in an animation. maker: `FLIR` or `DJI` where temperatures lie beside the picture.
    white: the sample that is white, where the file says one; else 0, and it is the largest of its type.
    transfer: the curve of the samples as ITU-T H.273 numbers it, where the file says one; else 0.
    bits: of a sample as stored in PNG and JPEG; else 0.
    """

    kind: str
    width_px: int = 0
    height_px: int = 0
    orientation: int = UPRIGHT
    gray: bool = False
    frames: int = 1
    maker: str = ""
    white: int = 0
    transfer: int = 0
    bits: int = 0


def picture_header(data: bytes) -> PictureHeader:
    """Read the header of PNG, JPEG, WebP, BMP, PNM and TIFF files; of TIFF only the kind, `tiff` reads the rest."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return _png(data)
    if data.startswith(b"\xff\xd8\xff"):
        return _jpeg(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp(data)
    if data.startswith(b"BM") and len(data) >= 26:
        size = [int.from_bytes(data[at : at + 4], "little", signed=True) for at in (18, 22)]
        packed = data[28:30] == b"\x10\0"  # 16 bits a pixel, which OpenCV makes up to 7 levels too dark
        return PictureHeader("" if packed else "bmp", abs(size[0]), abs(size[1]))
    if data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return PictureHeader("tiff")
    return _pnm(data)


def check_size(path: Path, width_px: int, height_px: int, pages: int = 1) -> None:
    """Refuse more pixels than any camera gives: a small file may ask for gigabytes."""
    if width_px * height_px * pages > MOST_PIXELS:
        raise CoconetError(
            path,
            wanted=f"at most {MOST_PIXELS / 1e6:.0f} million pixels",
            got=f"{width_px} x {height_px}{f' on {pages} pages' if pages > 1 else ''}",
            remedy="Scale it down, or remove the file if no camera took it.",
            says=f"has {width_px} x {height_px} pixels{f' on {pages} pages' if pages > 1 else ''}, more than the "
            f"{MOST_PIXELS / 1e6:.0f} million that are read",
        )


def _pnm(data: bytes) -> PictureHeader:
    found = _PNM.match(data)
    if found is None:
        return PictureHeader("")
    kind = found[1]
    width, height, white = map(int, found.groups()[1:])
    # Of text whose white is below 255 OpenCV scales the samples, of bytes it does not.
    known = 255 <= white < 65536 or (0 < white < 255 and kind in (b"5", b"6"))
    return PictureHeader("pnm" if known else "", width, height, gray=kind in (b"2", b"5"), white=white)


def _png(data: bytes) -> PictureHeader:
    orientation, frames, transfer = UPRIGHT, 1, 0
    for name, start, size in _png_chunks(data):
        if name == b"eXIf":
            orientation = exif_orientation(data[start : start + size])
        elif name == b"acTL":
            frames = int.from_bytes(data[start : start + 4], "big")
        elif name == b"cICP" and size == 4:
            transfer = data[start + 1]
    width, height = (int.from_bytes(data[at : at + 4], "big") for at in (16, 20))
    bits = data[24] if len(data) > 24 else 0
    gray = data[25:26] in (b"\0", b"\4")  # the colour types gray, and gray with alpha
    return PictureHeader("png", width, height, orientation, gray, frames, transfer=transfer, bits=bits)


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    at = 8
    while at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        yield data[at + 4 : at + 8], at + 8, size
        at += 12 + size


def _jpeg(data: bytes) -> PictureHeader:
    width = height = bits = channels = 0
    orientation, make, beside = UPRIGHT, b"", 0
    maker = ""
    for marker, start, size in _jpeg_segments(data):
        head = data[start : start + 6]
        if marker in range(0xC0, 0xD0) and marker not in (0xC4, 0xC8, 0xCC):
            height, width = (int.from_bytes(data[at : at + 2], "big") for at in (start + 1, start + 3))
            bits, channels = head[0] if head else 0, head[5] if len(head) > 5 else 0
        elif marker == 0xE1 and head == b"Exif\0\0":
            block = data[start + 6 : start + size]
            orientation, make = exif_orientation(block), block
        elif marker == 0xE1 and head[:5] == b"FLIR\0":
            maker = "FLIR"
        elif marker == 0xE3:
            beside += size
    if not maker and beside >= 2 * 160 * 120 and b"DJI" in make:
        maker = "DJI"  # its counts lie in segments of kind APP3
    return PictureHeader("jpeg", width, height, orientation, channels == 1, maker=maker, bits=bits)


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """(marker, start, size) of the segments before the pixels."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # padding
            at += 1
            continue
        size = int.from_bytes(data[at + 2 : at + 4], "big")
        yield marker, at + 4, size - 2
        if marker == 0xDA or size < 2:
            return
        at += 2 + size


def _webp(data: bytes) -> PictureHeader:
    orientation, frames, width, height, at = UPRIGHT, 0, 0, 0, 12
    while at + 8 <= len(data):
        name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        body = data[at + 8 : at + 8 + size]
        if name == b"VP8X":
            width, height = (1 + int.from_bytes(body[i : i + 3], "little") for i in (4, 7))
        elif name == b"VP8 " and not width:
            width, height = (int.from_bytes(body[i : i + 2], "little") & 0x3FFF for i in (6, 8))
        elif name == b"VP8L" and not width:
            bits = int.from_bytes(body[1:5], "little")
            width, height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        elif name == b"ANMF":
            frames += 1
        elif name == b"EXIF":
            orientation = exif_orientation(body.removeprefix(b"Exif\0\0"))
        at += 8 + size + size % 2
    return PictureHeader("webp", width, height, orientation, frames=max(1, frames))


def exif_orientation(block: bytes) -> int:
    """Tag 274 of an EXIF block, which is a TIFF file of its own; 1 if there is none, or a damaged one."""
    if block[:2] not in (b"II", b"MM"):
        return UPRIGHT

    def number(offset: int, size: int) -> int:
        part = block[offset : offset + size]
        return int.from_bytes(part, "little" if block[:2] == b"II" else "big")

    first = number(4, 4)
    for entry in range(number(first, 2)):
        at = first + 2 + 12 * entry
        if at + 12 > len(block):
            break
        if number(at, 2) == 274:
            value = number(at + 8, 2)
            return value if 1 <= value <= 8 else UPRIGHT
    return UPRIGHT
