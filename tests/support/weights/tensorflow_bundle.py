"""A TensorFlow 1 checkpoint written from its description: an index as a sorted table, and raw numbers."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

MAGIC = 0xDB4775248B80FB57
KINDS = {"<f4": 1, "<f8": 2, "<i4": 3, "<i8": 9}


def crc32c(content: bytes) -> int:
    """Bit by bit, as RFC 3720 has it."""
    register = 0xFFFFFFFF
    for byte in content:
        register ^= byte
        for _ in range(8):
            register = (register >> 1) ^ (0x82F63B78 if register & 1 else 0)
    return register ^ 0xFFFFFFFF


def varint(value: int) -> bytes:
    written = bytearray()
    while value >= 0x80:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*written, value])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def message(field: int, content: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(content)) + content


def masked(content: bytes) -> bytes:
    plain = crc32c(content)
    return struct.pack("<I", ((plain >> 15 | plain << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def block(entries: Mapping[bytes, bytes], every: int = 3) -> bytes:
    """A block whose keys share beginnings, begun again at every third."""
    written, restarts, before = b"", [], b""
    for count, (key, value) in enumerate(sorted(entries.items())):
        shared = 0
        if count % every == 0:
            restarts.append(len(written))
        else:
            while shared < min(len(key), len(before)) and key[shared] == before[shared]:
                shared += 1
        written += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        before = key
    return written + struct.pack(f"<{len(restarts) + 1}I", *restarts, len(restarts))


def write_bundle(stem: Path, tensors: Mapping[str, NDArray[np.generic]], *, checked: bool = True) -> Path:
    """Write STEM.index and STEM.data-00000-of-00001 and return the path of the index.

    checked: whether tensors get their checksum; bit by bit, that takes a second per megabyte.
    """
    data, entries = b"", {b"": number(1, 1)}
    for name, value in tensors.items():
        content = value.tobytes()
        shape = b"".join(message(2, number(1, side)) for side in value.shape)
        entry = number(1, KINDS[value.dtype.str]) + message(2, shape)
        entry += number(4, len(data)) + number(5, len(content))
        entries[name.encode()] = entry + (b"\x35" + masked(content) if checked else b"")
        data += content
    names = sorted(entries)
    halves = [names[: len(names) // 2], names[len(names) // 2 :]]
    index, handles = b"", {}
    for half in halves:
        content = block({name: entries[name] for name in half})
        handles[half[-1] + b"~"] = varint(len(index)) + varint(len(content))
        index += content + b"\x00" + masked(content + b"\x00")
    places = []
    for content in (block({}), block(handles)):
        places.append(varint(len(index)) + varint(len(content)))
        index += content + b"\x00" + masked(content + b"\x00")
    footer = b"".join(places)
    path = Path(f"{stem}.index")
    path.write_bytes(index + footer + bytes(40 - len(footer)) + struct.pack("<Q", MAGIC))
    Path(f"{stem}.data-00000-of-00001").write_bytes(data)
    return path
