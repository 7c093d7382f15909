"""Protocol buffers, read field by field from a file: what is not asked for is skipped, so weights cost nothing.

And single fields, written.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

_VARINT, _FIXED_64, _BYTES, _FIXED_32 = 0, 1, 2, 5
"""Wire types of protocol buffers: https://protobuf.dev/programming-guides/encoding."""


class Field(NamedTuple):
    """A field of a message. end: where its bytes end in the stream; value: of a number, 0 for anything else."""

    number: int
    end: int
    value: int = 0


def read_fields(stream: BinaryIO, end: int | None = None) -> Iterator[Field]:
    """Give every field that is a number or holds bytes, the stream at the beginning of these; skip what is not read.

    end: of the message; of the stream if not given. Raises EOFError for bytes that are no protocol buffer.
    """
    place = stream.tell()
    if end is None:
        end = stream.seek(0, os.SEEK_END)
        stream.seek(place)
    while place < end:
        tag = read_varint(stream)
        kind, size, number = tag & 7, {_FIXED_64: 8, _FIXED_32: 4}.get(tag & 7, 0), 0
        if kind in (_VARINT, _BYTES):
            number = read_varint(stream)
            size = number if kind == _BYTES else 0
        elif not size:
            raise EOFError(f"no field of a protocol buffer at byte {place}")
        last = stream.tell() + size
        if last > end:
            raise EOFError(f"a field at byte {place} that ends beyond its message")
        if kind == _VARINT:
            yield Field(tag >> 3, last, number)
        elif kind == _BYTES:
            yield Field(tag >> 3, last)
        place = stream.seek(last)


def read_varint(stream: BinaryIO) -> int:
    """Read a number of 7 bits per byte, the lowest first; the highest bit of a byte says that another one follows.

    Raises EOFError if there is none.
    """
    value = 0
    for shift in range(0, 64, 7):
        byte = stream.read(1)
        if not byte:
            raise EOFError("the file ends within a number")
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return value
    raise EOFError("a number of more than 64 bits")


def written(number: int, content: bytes) -> bytes:
    """A field that holds bytes, with its tag and its length."""
    return _varint(number << 3 | _BYTES) + _varint(len(content)) + content


def number_written(number: int, value: int) -> bytes:
    """A field that is a number of 0 or more, with its tag."""
    return _varint(number << 3 | _VARINT) + _varint(value)


def _varint(value: int) -> bytes:
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*parts, value))
