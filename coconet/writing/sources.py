"""What a command reads, and may not write over: files and folders, and what they have beside themselves."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from io import BytesIO
from itertools import count, takewhile
from pathlib import Path, PurePath
from typing import BinaryIO, TypeVar

from coconet.cards.protocol_buffer import read_varint
from coconet.media.naming.bag_names import is_bag, is_bag_folder, split_bag
from coconet.media.naming.picture_names import is_picture
from coconet.model_endings import ENGINE_SUFFIX, ONNX_SUFFIX

_Identity = tuple[int, int]

_AnyPath = TypeVar("_AnyPath", bound=PurePath)

_LOCATION = b"\x0a\x08location\x12"
"""A StringStringEntryProto of onnx.proto up to its value: the key `location`, which only external data has."""

_BLOCK = 1 << 24

RECORDING_SUFFIX = ".mkv"

STAMPS_SUFFIX = ".stamps.csv"


def stamps_beside(video: Path) -> Path:
    """Where the stamps of a lossless video are."""
    return video.with_suffix(STAMPS_SUFFIX)


def later_part(video: _AnyPath, number: int) -> _AnyPath:
    """Where a lossless video goes on once its pictures have changed their shape: name-2.mkv, name-3.mkv and so on."""
    return video.with_name(f"{video.stem}-{number}{video.suffix}")


def later_parts(video: _AnyPath, is_file: Callable[[_AnyPath], bool]) -> Iterator[_AnyPath]:
    """Give those of a lossless video's later parts that are there, in their order; other files have none."""
    if video.suffix.lower() == RECORDING_SUFFIX:
        yield from takewhile(is_file, (later_part(video, number) for number in count(2)))


def _identity(path: Path) -> _Identity | None:
    """What a file or folder is, by whatever name or link it is reached; None if there is none."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino


def real_place(path: Path) -> Path:
    """Where a file written to `path` comes to lie: links followed, and `none/..` taken out, even if there is no `none`.

    Looking at such a path itself finds nothing, although a file is there that would be replaced.
    """
    return Path(os.path.realpath(path))


class Sources:
    """The files and folders that are read, by what they are rather than by their names."""

    def __init__(self) -> None:
        self._files: dict[_Identity, Path] = {}
        self._picture_folders: dict[_Identity, Path] = {}
        self._bag_folders: dict[_Identity, Path] = {}
        self._above: dict[_Identity, Path] = {}

    def add(self, path: Path) -> None:
        """Count a file and those it needs, the archive it lies in, or a folder and the pictures in and below it.

        Of a topic in a bag it is the bag, with all files of one that is a folder.
        """
        bag = split_bag(str(path))
        if bag is not None and bag.path != path:
            self.add(bag.path)
            return
        if bag is not None:
            self._add_bag(path)
        if (identity := _identity(path)) is None:
            if path.parent.is_file():
                self.add(path.parent)
            return
        for folder in real_place(path).parents:
            if (above := _identity(folder)) is not None:
                self._above.setdefault(above, path)
        if not path.is_dir():
            self._files.setdefault(identity, path)
            for needed in files_beside(path):
                if (found := _identity(needed)) is not None:
                    self._files.setdefault(found, needed)
            return
        self._above.setdefault(identity, path)
        for place, _, names in os.walk(path, followlinks=False):  # a folder that may not be read is left out
            self._add_pictures(Path(place), names)

    def _add_bag(self, path: Path) -> None:
        home = next((folder for folder in (path, path.absolute().parent) if is_bag_folder(folder)), None)
        if home is not None and (folder := _identity(home)) is not None:
            self._bag_folders.setdefault(folder, home)
        for part in path.iterdir() if path.is_dir() else ():
            if (found := _identity(part)) is not None:
                self._files.setdefault(found, part)

    def harmed_by(self, output: Path) -> Path | None:
        """The input that writing to `output` would change; None if there is none."""
        output = real_place(output)
        identity = _identity(output)
        if identity is None or output.is_file():
            found, parent = None if identity is None else self._files.get(identity), _identity(output.parent)
            if found is None and parent is not None and is_picture(output):
                found = self._picture_folders.get(parent)
            if found is None and parent is not None and is_bag(output):  # readers of the folder would take it as well
                found = self._bag_folders.get(parent)
            return found
        if not output.is_dir():
            return self._files.get(identity)
        return self._picture_folders.get(identity) or self._above.get(identity) or self._linked_from(output)

    def _linked_from(self, folder: Path) -> Path | None:
        with suppress(OSError):
            for path in folder.iterdir():
                identity = _identity(path)
                if identity is not None and (found := self._files.get(identity)) is not None:
                    return found
        return None

    def _add_pictures(self, folder: Path, names: Iterable[str]) -> None:
        for path in (folder / name for name in names if is_picture(Path(name))):
            if (found := _identity(path)) is not None:
                self._files.setdefault(found, path)
                if (home := _identity(folder)) is not None:
                    self._picture_folders.setdefault(home, folder)


def files_beside(path: Path) -> Iterator[Path]:
    """Give what is read with a file: an ONNX file's weights, an engine's card, a recording's stamps and later parts.

    Names that lead out of the model's folder are given as well. A file that cannot be read has none.
    """
    suffix = path.suffix.lower()
    if suffix == ENGINE_SUFFIX:
        yield path.with_name(f"{path.name}.json")
    elif suffix == RECORDING_SUFFIX:
        yield stamps_beside(path)
        yield from later_parts(path, Path.is_file)
    elif suffix == ONNX_SUFFIX and path.is_file():
        with suppress(OSError), path.open("rb") as stream:
            for name in weight_files(stream):
                with suppress(ValueError):  # a zero byte
                    yield path.parent / name


def weight_files(graph: BinaryIO) -> list[str]:
    """The names of the files that hold weights of an ONNX file outside of it, each once, in the order of the file.

    They are looked for wherever they may be, not parsed: that is quick, and a file that is damaged names them still.
    """
    found: dict[str, None] = {}
    kept = b""
    while block := graph.read(_BLOCK):
        text = kept + block
        for part in text.split(_LOCATION)[1:]:
            value = BytesIO(part)
            with suppress(EOFError):
                size = read_varint(value)
                if len(name := value.read(size)) == size:
                    found[os.fsdecode(name)] = None
        kept = text[-4096:]  # a name that goes on in the next block is read whole there
    return list(found)
