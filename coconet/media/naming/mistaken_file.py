"""Mistaken files: what lies under the name of one kind and is of another, such as the page that was to lead to it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple

Kind = Literal["torch", "safetensors", "onnx", "engine", "video", "mcap", "ros", "text"]
"""What a file was meant to be."""

_LOOKED_AT_BYTES = 512

_UNPACK = "Unpack it and name the file in it."

_AGAIN = "Copy the file again."

_RENAME = "Give it the ending"


class _Mark(NamedTuple):
    """The bytes at a place by which a format is known. kind: what such a file may well be, although damaged."""

    place: int
    magic: bytes
    name: str
    remedy: str
    kind: Kind | None = None


_MARKS = (
    _Mark(0, b"\x1f\x8b", "a gzip archive", _UNPACK),
    _Mark(0, b"7z\xbc\xaf", "a 7z archive", _UNPACK),
    _Mark(0, b"Rar!", "a RAR archive", _UNPACK),
    _Mark(0, b"PK\x03\x04", "a zip archive or a PyTorch file", f"{_RENAME} .pth, or unpack it.", "torch"),
    _Mark(0, b"\x89MCAP", "an MCAP file", f"{_RENAME} .mcap.", "mcap"),
    _Mark(0, b"#ROSBAG", "a bag of ROS 1", f"{_RENAME} .bag.", "ros"),
    _Mark(0, b"SQLite format 3\0", "an SQLite file, as ROS 2 writes bags", f"{_RENAME} .db3.", "ros"),
    _Mark(0, b"\x89PNG", "a PNG picture", "Name the right file."),
    _Mark(0, b"\xff\xd8\xff", "a JPEG picture", "Name the right file."),
    _Mark(0, b"%PDF", "a PDF document", "Name the right file."),
    _Mark(0, b"\x89HDF", "an HDF5 file", "Name the right file."),
    _Mark(4, b"ftyp", "an MP4 or MOV video", f"{_RENAME} .mp4.", "video"),
    _Mark(0, b"\x1aE\xdf\xa3", "a Matroska video", f"{_RENAME} .mkv.", "video"),
    _Mark(0, b"ftrt", "a TensorRT engine", f"{_RENAME} .engine.", "engine"),
    _Mark(0, b"vtrt", "an engine of TensorRT for RTX", f"{_RENAME} .engine.", "engine"),
    _Mark(8, b'{"', "a safetensors file", f"{_RENAME} .safetensors.", "safetensors"),
)


def mistaken_file(path: Path, kind: Kind, empty: str = _AGAIN) -> tuple[str, str] | None:
    """What a file is by its first bytes, and what to do, if these are of nothing that `kind` is kept in.

    empty: what to do with a file that is empty. None for bytes that are not known, and for those of `kind` itself: such
    a file is damaged.
    """
    with path.open("rb") as stream:
        start = stream.read(_LOOKED_AT_BYTES)
    if not start:
        return "an empty file", empty
    for mark in _MARKS:
        if start[mark.place :].startswith(mark.magic):
            return None if mark.kind == kind else (mark.name, mark.remedy)
    if start.startswith(b"version https://git-lfs"):
        return "a pointer of Git LFS", "Fetch the file itself with git lfs pull, or download it."
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith((b"<!doctype html", b"<html")):
        return "a web page", "Open it in a browser to see what it says, and download the file itself."
    return ("a text file", "Name the right file.") if kind != "text" and _is_text(start) else None


def _is_text(start: bytes) -> bool:
    """Whether bytes are printed characters alone; the last may be cut in the middle."""
    try:
        text = start.decode()
    except UnicodeDecodeError as error:
        if error.start < len(start) - 3:
            return False
        text = start[: error.start].decode()
    return bool(text.strip()) and all(sign.isprintable() or sign in "\t\r\n\f" for sign in text)
