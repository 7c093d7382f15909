"""The weights of an ONNX file, and whether they are numbers; without the package onnx."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from coconet.cards.onnx_metadata import read_entry
from coconet.cards.protocol_buffer import Field, read_fields, read_varint
from coconet.errors import CoconetError
from coconet.files import existing_file, plain_name, sha256_of
from coconet.model_endings import ONNX_SUFFIX
from coconet.writing.sources import weight_files

# Field numbers of onnx.proto.
_GRAPH, _NODE, _INITIALIZER, _ATTRIBUTE, _ATTRIBUTE_TENSOR = 7, 1, 5, 5, 5
_TYPE, _FLOATS, _HALVES, _NAME, _RAW, _DOUBLES, _OUTSIDE = 2, 4, 5, 8, 9, 10, 13

_KINDS = {1: "<f4", 10: "<f2", 11: "<f8", 16: "<u2"}
"""TensorProto.DataType of floating point: single, half, double, and bfloat16, whose bits are looked at."""

_BFLOAT16 = 16


def fault_of(weights: NDArray[Any]) -> str:
    """Say what is wrong with weights that no training gives, `NaN` or `infinity`; empty if they are numbers.

    A single infinite number is a bound, and one that is infinite or zero everywhere is a mask.
    """
    finite = np.isfinite(weights)
    if finite.all():
        return ""
    if np.isnan(weights).any():
        return "NaN"
    masked = finite.any() and not weights[finite].any()
    return "" if weights.size == 1 or masked else "infinity"


def check_numbers(where: object, name: str, weights: NDArray[Any]) -> None:
    """Raise CoconetError for weights, floating point of any shape, that are no numbers."""
    if fault := fault_of(weights):
        raise CoconetError(
            where,
            wanted="weights that are numbers",
            got=f"{fault} in {name[:80] or 'a tensor without a name'}",
            remedy="Use an earlier checkpoint: the training that made this one diverged.",
            says=f"holds {fault} in {name[:80] or 'a tensor without a name'}",
        )


def check_onnx_weights(path: Path, content: bytes | None = None) -> None:
    """Look at every constant of a model that can be loaded. Raises CoconetError for weights that are no numbers.

    content: the bytes of the file, if they have been read. A file is looked at once: not again in the same process as
    long as it, and the files beside it that hold weights of it, have not been rewritten.
    """
    with _open_stream(path, content) as stream:
        beside = [path.parent / Path(name).name for name in weight_files(stream)]
    state = tuple(map(_state_of, (path, *beside)))
    if _SOUND.get(path.absolute()) == state:
        return
    with (
        suppress(EOFError, UnicodeDecodeError),
        _open_stream(path, content) as stream,
    ):  # of what the runtime does not mind
        for end in _tensors(stream):
            name, weights = _tensor(stream, end, path.parent)
            if weights is not None:
                check_numbers(path, name, weights)
    _SOUND[path.absolute()] = state


def files_beside(path: Path) -> tuple[Path, ...]:
    """The files that hold weights of a model outside of it, each once. Raises Refused for one that is not there."""
    with path.open("rb") as stream:
        files = [path.parent / plain_name(name, path) for name in weight_files(stream)]
    return tuple(existing_file(file, f"weights of {path.name}", "Copy them as well.") for file in files)


def hashes_of_model(path: Path) -> list[str]:
    """The SHA-256 of a model file and, of an ONNX file, of those beside it that hold its weights; its own first.

    The weights beside a graph can change while the graph stays as it is. Raises OSError for a file that is not there,
    and Refused for weights that are not.
    """
    return [sha256_of(file) for file in (path, *(files_beside(path) if path.suffix == ONNX_SUFFIX else ()))]


_State = tuple[int, int, int]
"""Number, size and time of the last change of a file."""

_SOUND: dict[Path, tuple[_State | None, ...]] = {}
"""The models whose weights were found to be numbers, with what they and the files beside them were then."""


def _state_of(path: Path) -> _State | None:
    try:
        found = path.stat()
    except (OSError, ValueError):  # ValueError: a zero byte
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _open_stream(path: Path, content: bytes | None = None) -> BinaryIO:
    return path.open("rb") if content is None else BytesIO(content)


def _tensors(stream: BinaryIO) -> Iterator[int]:
    """Put the stream at each TensorProto of the graph, and give where it ends."""
    for graph in read_fields(stream):
        if graph.number != _GRAPH:
            continue
        for part in read_fields(stream, graph.end):
            if part.number == _INITIALIZER:
                yield part.end
            elif part.number == _NODE:
                yield from _inside(stream, part.end, _ATTRIBUTE, _ATTRIBUTE_TENSOR)


def _inside(stream: BinaryIO, end: int, outer: int, inner: int) -> Iterator[int]:
    for field in read_fields(stream, end):
        if field.number == outer:
            yield from (one.end for one in read_fields(stream, field.end) if one.number == inner)


def _tensor(stream: BinaryIO, end: int, folder: Path) -> tuple[str, NDArray[Any] | None]:
    """Name and numbers of a TensorProto; None for one that is not of floating point, or whose file is not there."""
    name, kind, content, outside = "", 0, b"", dict[str, str]()
    for field in read_fields(stream, end):
        if field.number == _TYPE:
            kind = field.value
        elif field.number == _OUTSIDE:
            outside.update([read_entry(stream, field.end)])
        elif field.number == _HALVES:
            content = _halves(stream, field)
        elif field.number in (_NAME, _RAW, _FLOATS, _DOUBLES):
            held = _bytes(stream, field)
            name, content = (held.decode(errors="replace"), content) if field.number == _NAME else (name, held)
    if kind not in _KINDS:
        return name, None
    if outside:
        content = _outside(folder, outside)
    layout = np.dtype(_KINDS[kind])
    numbers = np.frombuffer(content, layout, len(content) // layout.itemsize)
    if kind == _BFLOAT16:
        numbers = (numbers.astype("<u4") << 16).view("<f4")
    return name, numbers


def _halves(stream: BinaryIO, field: Field) -> bytes:
    """The bytes of numbers of 16 bits, which lie there as numbers of protocol buffers."""
    numbers = []
    while stream.tell() < field.end:
        numbers.append(read_varint(stream) & 0xFFFF)
    return np.array(numbers, "<u2").tobytes()


def _bytes(stream: BinaryIO, field: Field) -> bytes:
    return stream.read(field.end - stream.tell())


def _outside(folder: Path, entries: dict[str, str]) -> bytes:
    """The bytes of a tensor that lies in a file beside the model."""
    place, length = entries.get("offset", "0"), entries.get("length", "")
    path = folder / Path(entries.get("location", "")).name
    if not path.is_file() or not place.isdigit():
        return b""
    with path.open("rb") as stream:
        stream.seek(int(place))
        return stream.read(int(length) if length.isdigit() else -1)
