"""Transport streams, which state no length: whether a file of one breaks off."""

from __future__ import annotations

from pathlib import Path

_SYNC = 0x47

_BEFORE_SYNC = {188: 0, 192: 4, 204: 0}
"""Sizes of a packet in bytes: plain, with a time in front (BDAV, .m2ts), with error correction behind it."""

_IN_A_ROW = 5  # packets whose first byte tells that it is no chance


def breaks_off(path: Path) -> bool:
    """Whether a file of MPEG-2 transport packets (ISO/IEC 13818-1, 2.4.3.2) ends within one; false for anything else.

    One that ends between two packets may be cut off as well, which nothing in it can tell.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(max(_BEFORE_SYNC) * (_IN_A_ROW + 1))
    for length, before in _BEFORE_SYNC.items():
        for first in range(length):
            syncs = head[first::length][:_IN_A_ROW]
            if len(syncs) == _IN_A_ROW and set(syncs) == {_SYNC}:
                return (size - first + before) % length != 0
    return False
