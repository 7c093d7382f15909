"""Mistaken files: what lies under the name of a weight file and is none, such as the page that was to lead to it."""

from __future__ import annotations

from pathlib import Path

_LOOKED_AT_BYTES = 512

_PACKED = {b"\x1f\x8b": "a gzip archive", b"7z\xbc\xaf": "a 7z archive", b"Rar!": "a RAR archive"}


def mistaken_file(path: Path) -> tuple[str, str] | None:
    """What a file is by its first bytes, and what to do, if these are of nothing that weights are kept in."""
    with path.open("rb") as stream:
        start = stream.read(_LOOKED_AT_BYTES)
    packed = next((name for magic, name in _PACKED.items() if start.startswith(magic)), None)
    if packed is not None:
        return packed, "Unpack it and name the file in it."
    if not start:
        return "an empty file", "Copy the file again, or save model.state_dict() with torch.save."
    if start.startswith(b"version https://git-lfs"):
        return "a pointer of Git LFS", "Fetch the file itself with git lfs pull, or download it."
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith((b"<!doctype html", b"<html")):
        return "a web page", "Open it in a browser to see what it says, and download the file itself."
    return None
