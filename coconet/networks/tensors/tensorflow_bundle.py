"""TensorFlow 1 checkpoints (tensor bundles), read without TensorFlow: a sorted table of names and raw numbers.

Layout: tensorflow/core/util/tensor_bundle and the table format of LevelDB. Nothing in the files is executed.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from coconet.errors import CoconetError
from coconet.networks.tensors.crc32c import crc32c

MAGIC = 0xDB4775248B80FB57
"""The last eight bytes of an index, little endian."""

FOOTER_BYTES, TRAILER_BYTES = 48, 5
"""Of the end of the file, and of what stands behind each block: its compression and its checksum."""

INDEX_ENDING = ".index"

MEMBER = re.compile(r"\.(?:index|meta|data-\d{5}-of-\d{5})$")
"""How the files of a checkpoint end; the name before is that of the checkpoint."""

TYPES: Mapping[int, str] = {1: "<f4", 2: "<f8", 3: "<i4", 9: "<i8"}
"""TensorFlow's numbers of the types of values that are read; tensors of other types (strings) are left out."""

OF_TRAINING = re.compile(r"Adam|Momentum|RMSProp|beta[12]_power|global_step")
"""Tensors that only the training needs."""


@dataclass(frozen=True)
class _Entry:
    """Where a tensor lies: its shard, the first byte and how many, and the masked checksum of them."""

    kind: int
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int
    checksum: int | None
    sliced: bool


def find_bundle(path: Path) -> Path | None:
    """The index of the checkpoint that a path means: its bare name, any of its files, or TensorFlow's `checkpoint`.

    None if there is no such index, and for a file that is something else.
    """
    stem = MEMBER.sub("", str(path))
    if path.name == "checkpoint" and path.is_file():
        newest = re.search(r'model_checkpoint_path: "(.+?)"', path.read_text(encoding="utf-8", errors="replace"))
        stem = str(path.with_name(Path(newest[1]).name)) if newest else stem
    elif stem == str(path) and path.is_file():
        return None
    index = Path(f"{stem}{INDEX_ENDING}")
    return index if index.is_file() else None


class _Unread(ValueError):
    """What a checkpoint has that is not read, in our words."""


def read_bundle(index: Path, where: object) -> dict[str, NDArray[np.generic]]:
    """Read all numbers of a checkpoint but those of its training; names as TensorFlow has them.

    Raises CoconetError, naming `where`, for a file that is damaged, compressed or missing.
    """
    try:
        entries = dict(_table(index.read_bytes()))
        header = _fields(entries.pop(b"", b""))
        shards = _number(header, 1, 1)
        if _number(header, 2, 0) != 0:
            raise _Unread("numbers in big-endian order")
        wanted = {key.decode(): _entry(value) for key, value in entries.items()}
        kept = {name: entry for name, entry in wanted.items() if entry.kind in TYPES and not OF_TRAINING.search(name)}
        files = {shard: _shard(index, shard, shards, where) for shard in {entry.shard for entry in kept.values()}}
        return {name: _values(name, entry, files[entry.shard]) for name, entry in kept.items()}
    except (ValueError, IndexError, struct.error, OSError) as error:
        fault = f"it has {error}" if isinstance(error, _Unread) else getattr(error, "strerror", None) or "it is damaged"
        raise CoconetError(
            where,
            wanted="a whole TensorFlow checkpoint",
            got=fault,
            remedy="Copy all of its files again.",
            says=f"is a TensorFlow checkpoint that cannot be read: {fault}",
        ) from error


def _shard(index: Path, shard: int, shards: int, where: object) -> bytes:
    path = Path(f"{str(index).removesuffix(INDEX_ENDING)}.data-{shard:05d}-of-{shards:05d}")
    if not path.is_file():
        raise CoconetError(
            where,
            wanted=f"the values of this TensorFlow checkpoint, {path.name}, beside its index",
            got="the index alone, which holds names and shapes",
            remedy=f"Copy {path.name} into the same folder.",
            says=f"is only the index of a TensorFlow checkpoint: {path.name}, which holds the values, is not beside it",
        )
    return path.read_bytes()


def _values(name: str, entry: _Entry, data: bytes) -> NDArray[np.generic]:
    if entry.sliced:
        raise _Unread(f"{name} in slices, as a training on several machines writes it")
    dtype = np.dtype(TYPES[entry.kind])
    count = 1
    for side in entry.shape:
        count *= side
    content = data[entry.offset : entry.offset + entry.size]
    if len(content) != entry.size or count * dtype.itemsize != entry.size:
        raise _Unread(f"{len(content)} bytes for {name}, which has {count * dtype.itemsize}")
    if entry.checksum is not None and _masked(content) != entry.checksum:
        raise _Unread(f"{name} with a wrong checksum")
    return np.frombuffer(content, dtype).reshape(entry.shape)


def _table(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The sorted keys and their values, of all data blocks."""
    if len(content) < FOOTER_BYTES or struct.unpack("<Q", content[-8:])[0] != MAGIC:
        raise _Unread("an index without its end")
    footer = content[-FOOTER_BYTES:]
    _, place = _handle(footer, 0)
    (start, size), _ = _handle(footer, place)
    for _, value in _block(content, start, size):
        (block_start, block_size), _ = _handle(value, 0)
        yield from _block(content, block_start, block_size)


def _block(content: bytes, start: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of one block; each key is the beginning of the one before and what is new."""
    trailer = content[start + size : start + size + TRAILER_BYTES]
    if len(trailer) != TRAILER_BYTES:
        raise _Unread("an index that ends too early")
    if trailer[0] != 0:
        raise _Unread(f"an index compressed by method {trailer[0]}")
    if _masked(content[start : start + size + 1]) != struct.unpack("<I", trailer[1:])[0]:
        raise _Unread("an index with a wrong checksum")
    block = content[start : start + size]
    restarts = struct.unpack("<I", block[-4:])[0]
    end = size - 4 * (restarts + 1)
    place, key = 0, b""
    while place < end:
        shared, place = _varint(block, place)
        fresh, place = _varint(block, place)
        length, place = _varint(block, place)
        key = key[:shared] + block[place : place + fresh]
        yield key, block[place + fresh : place + fresh + length]
        place += fresh + length


def _handle(content: bytes, place: int) -> tuple[tuple[int, int], int]:
    start, place = _varint(content, place)
    size, place = _varint(content, place)
    return (start, size), place


def _varint(content: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = content[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return value, place
        if shift > 63:
            raise _Unread("a number of more than 64 bits")


def _fields(message: bytes) -> list[tuple[int, int | bytes]]:
    """Field numbers and values of a protocol-buffer message, in order; numbers, or bytes of a text or message."""
    found: list[tuple[int, int | bytes]] = []
    place = 0
    while place < len(message):
        tag, place = _varint(message, place)
        kind = tag & 7
        value: int | bytes
        if kind == 0:
            value, place = _varint(message, place)
        elif kind == 2:
            length, place = _varint(message, place)
            value, place = message[place : place + length], place + length
        elif kind in (1, 5):
            width = 8 if kind == 1 else 4
            value, place = int.from_bytes(message[place : place + width], "little"), place + width
        else:
            raise _Unread(f"a field of kind {kind}")
        found.append((tag >> 3, value))
    return found


def _number(fields: list[tuple[int, int | bytes]], number: int, default: int) -> int:
    return next((value for key, value in fields if key == number and isinstance(value, int)), default)


def _entry(message: bytes) -> _Entry:
    fields = _fields(message)
    shape = next((value for key, value in fields if key == 2 and isinstance(value, bytes)), b"")
    sides = (_fields(value) for key, value in _fields(shape) if key == 2 and isinstance(value, bytes))
    checksum = _number(fields, 6, -1)
    return _Entry(
        kind=_number(fields, 1, 0),
        shape=tuple(_number(side, 1, 0) for side in sides),
        shard=_number(fields, 3, 0),
        offset=_number(fields, 4, 0),
        size=_number(fields, 5, 0),
        checksum=None if checksum < 0 else checksum,
        sliced=any(key == 7 for key, _ in fields),
    )


def _masked(content: bytes) -> int:
    """The checksum as LevelDB stores it: rotated, so that a checksum of checksums is no trivial one."""
    plain = crc32c(content)
    return ((plain >> 15 | plain << 17) + 0xA282EAD8) & 0xFFFFFFFF
