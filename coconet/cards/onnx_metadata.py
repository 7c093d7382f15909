"""The card of an ONNX file, found without the package onnx and without reading the weights."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from coconet.cards.model_card import ModelCard, card_from_metadata
from coconet.errors import CoconetError
from coconet.files import existing_file

_METADATA_PROPS, _KEY, _VALUE = 14, 1, 2
"""Field numbers of ModelProto.metadata_props and of its entries, in onnx.proto."""

_VARINT, _FIXED_64, _BYTES, _FIXED_32 = 0, 1, 2, 5
"""Wire types of protocol buffers: https://protobuf.dev/programming-guides/encoding."""


def read_onnx_card(path: Path) -> ModelCard:
    """Read the card of a model that coconet export wrote. Raises CoconetError for any other file."""
    with existing_file(path, "an ONNX model").open("rb") as stream:
        try:
            metadata = dict(_entry(stream, end) for field, end in _fields(stream) if field == _METADATA_PROPS)
        except (EOFError, UnicodeDecodeError) as error:
            raise CoconetError(
                path,
                wanted="a readable ONNX model",
                got=f"a corrupt or unsupported one ({error})",
                remedy="Copy the file again, or export it again with coconet export.",
            ) from error
    return card_from_metadata(metadata, path)


def _entry(stream: BinaryIO, end: int) -> tuple[str, str]:
    texts = {_KEY: "", _VALUE: ""}
    for field, last in _fields(stream, end):
        texts[field] = stream.read(last - stream.tell()).decode()
    return texts[_KEY], texts[_VALUE]


def _fields(stream: BinaryIO, end: int | None = None) -> Iterator[tuple[int, int]]:
    """Give number and end of every field that holds bytes, the stream at their beginning; skip what is not read."""
    end = os.fstat(stream.fileno()).st_size if end is None else end
    while (place := stream.tell()) < end:
        tag = _varint(stream)
        kind, size = tag & 7, {_FIXED_64: 8, _FIXED_32: 4}.get(tag & 7, 0)
        if kind in (_VARINT, _BYTES):
            number = _varint(stream)
            size = number if kind == _BYTES else 0
        elif not size:
            raise EOFError(f"no field of a protocol buffer at byte {place}")
        last = stream.tell() + size
        if last > end:
            raise EOFError(f"a field at byte {place} that ends beyond its message")
        if kind == _BYTES:
            yield tag >> 3, last
        stream.seek(last)


def _varint(stream: BinaryIO) -> int:
    """Read a number of 7 bits per byte, the lowest first; the highest bit of a byte says that another one follows."""
    value = 0
    for shift in range(0, 64, 7):
        byte = stream.read(1)
        if not byte:
            raise EOFError("the file ends within a number")
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return value
    raise EOFError("a number of more than 64 bits")
