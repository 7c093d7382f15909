"""Weight files as they lie about: single files, archives and folders of them, TensorFlow checkpoints, parts by name."""

from __future__ import annotations

import hashlib
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from coconet.errors import CoconetError, MissingPackage, Refused, counted
from coconet.files import check_place, sha256_of
from coconet.media.naming.entries import entries_below, found_by
from coconet.model_endings import ARCHIVE_SUFFIX, CHECKPOINT_SUFFIXES
from coconet.networks.tensors.state_dict import read_tensors
from coconet.networks.tensors.tensorflow_bundle import INDEX_ENDING, MEMBER, find_bundle, read_bundle
from coconet.writing.scratch import ScratchFolder

try:
    import torch
    from torch import Tensor
except ImportError as error:
    raise MissingPackage("torch", job="reading checkpoints", extra="export") from error


MOST_BYTES = 4 << 30
"""How much an archive may hold."""

MOST_FILES = 64
"""How many checkpoints of an archive or a folder are looked at."""

MOST_DEPTH = 3
"""How many archives are opened inside each other: a repository's holds those of its weights."""


@dataclass(frozen=True)
class Piece:
    """What one file holds. part: the part of the network that it was said to be; empty if that was left open.

    path: the file it came from, or the archive. metadata: of a safetensors file.
    """

    where: str
    path: Path
    tensors: Mapping[str, Tensor] = field(repr=False)
    sha256: str
    part: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict, repr=False)


def read_pieces(words: Sequence[str]) -> list[Piece]:
    """Read files named as on a command line: FILE, or PART=FILE where several make one network.

    A FILE is what torch.save or safetensors wrote, a TensorFlow checkpoint by any of its files or its bare name, a
    folder or a .zip of such files and archives, or ARCHIVE.zip/FILE for one of them.
    Raises CoconetError for a file that is missing, damaged or would execute code, and if there is none in a folder.
    """
    return [piece for word in words for piece in _read(*_part_and_path(word))]


def read_beside(path: Path) -> list[Piece]:
    """Read what else lies in the folder of a file and can be read; what cannot is left out."""
    pieces: list[Piece] = []
    for other in checkpoints_in(path.parent)[:MOST_FILES]:
        if other != path and other != find_bundle(path):
            try:
                pieces += _read("", other)
            except CoconetError:
                continue
    return pieces


def file_of(word: str) -> Path:
    """The file that a word of `read_pieces` names, whether it says the part or not."""
    return _part_and_path(word)[1]


def hash_of(pieces: Iterable[Piece]) -> str:
    """The SHA-256 of the one file, or of the hashes of several, in their order."""
    hashes = [piece.sha256 for piece in pieces]
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()


def _part_and_path(word: str) -> tuple[str, Path]:
    found = re.fullmatch(r"(\w+)=(.+)", word, re.DOTALL)
    if found is None or Path(word).exists():
        return "", Path(word)
    return found[1], Path(found[2])


def _read(part: str, path: Path) -> Iterator[Piece]:
    check_place(path)
    inside = None if path.exists() or find_bundle(path) else _archive_around(path)
    start = Path(path.anchor)
    yield from _found(path, _Place(part, inside or path, start, start))


@dataclass(frozen=True)
class _Place:
    """Where files are looked for: below `root`, which errors call `called`.

    part, source: those of the Piece. depth: how many archives were opened on the way.
    """

    part: str
    source: Path
    root: Path
    called: Path
    depth: int = 0

    def name(self, path: Path) -> Path:
        return self.called / path.relative_to(self.root)


def _found(path: Path, place: _Place) -> Iterator[Piece]:
    """Every checkpoint that a path means: those of a folder or an archive, the one in an archive, or the one file."""
    if path.is_dir():
        for file in _files_of(path, place):
            yield from _found(file, place)
    elif (index := find_bundle(path)) is not None:
        yield _piece(place, index, str(place.name(path)))
    elif (archive := _archive_around(path)) is not None:
        name = place.name(archive)
        with _unpacked(archive, name, place.depth) as folder:
            inner = replace(place, root=folder, called=name, depth=place.depth + 1)
            yield from _found(folder / path.relative_to(archive), inner)
    elif place.depth and not path.exists():
        names = [str(file.relative_to(place.root)) for file in checkpoints_in(place.root)[:5]]
        raise CoconetError(
            place.name(path),
            wanted="a file that is in the archive",
            got="no such file",
            remedy=f"It holds {', '.join(names)}.",
            says="is not in the archive",
        )
    else:
        _refuse_lone_member(path, place.name(path))
        yield _piece(place, path, str(place.name(path)))


def _files_of(folder: Path, place: _Place) -> list[Path]:
    files = checkpoints_in(folder)
    if not 1 <= len(files) <= MOST_FILES:
        endings = (*CHECKPOINT_SUFFIXES, INDEX_ENDING, ARCHIVE_SUFFIX)
        raise Refused(
            place.name(folder),
            wanted=f"1 to {MOST_FILES} checkpoints, which end in {', '.join(endings)}",
            got=f"{len(files)}",
            remedy="Name one checkpoint.",
            says=f"holds {counted(len(files), 'checkpoint')}; expected 1 to {MOST_FILES}, which end in "
            f"{', '.join(endings)}",
        )
    return files


def checkpoints_in(folder: Path) -> list[Path]:
    """The weight files in a folder and below it, in order: TensorFlow checkpoints by their index, and archives of them.

    An archive that cannot be looked into is one of them, so that reading it says why.
    """
    endings = {*CHECKPOINT_SUFFIXES, INDEX_ENDING}
    found = (
        path
        for path in sorted(entries_below(folder))
        if found_by(path.is_file)
        and (path.suffix in endings or (path.suffix == ARCHIVE_SUFFIX and _may_hold_checkpoints(path)))
    )
    return [path for path in found if not path.name.startswith(".") and "__MACOSX" not in path.parts]


def _may_hold_checkpoints(archive: Path) -> bool:
    try:
        with zipfile.ZipFile(archive) as opened:
            return any(map(_wanted, opened.infolist()))
    except (zipfile.BadZipFile, OSError, ValueError):
        return True


def _piece(place: _Place, file: Path, where: str) -> Piece:
    if file.suffix == INDEX_ENDING:
        values = read_bundle(file, where)
        tensors = {name: torch.from_numpy(value.copy()) for name, value in values.items()}
        data = sorted(file.parent.glob(f"{file.stem}.data-*"))
        joined = hashlib.sha256("".join(map(sha256_of, data)).encode()).hexdigest()
        hashed = sha256_of(data[0]) if len(data) == 1 else joined
        return Piece(where, place.source, _some(tensors, where), hashed, place.part)
    metadata, tensors_of_file = read_tensors(file, where)
    return Piece(where, place.source, tensors_of_file, sha256_of(file), place.part, metadata)


def _some(tensors: Mapping[str, Tensor], where: object) -> Mapping[str, Tensor]:
    if tensors:
        return tensors
    raise CoconetError(
        where,
        wanted="tensors of numbers",
        got="none",
        remedy="Name another checkpoint.",
        says="holds no tensors of numbers",
    )


def _refuse_lone_member(path: Path, named: Path) -> None:
    """Say of a file of a TensorFlow checkpoint what it is, where its index is missing."""
    name = MEMBER.sub("", path.name)
    if name != path.name and path.suffix != INDEX_ENDING:
        raise CoconetError(
            named,
            wanted=f"{name}{INDEX_ENDING} beside it, as this is one file of a TensorFlow checkpoint",
            got="no such file",
            says=f"is one file of a TensorFlow checkpoint, and {name}{INDEX_ENDING} is not beside it",
            remedy=f"Copy {name}{INDEX_ENDING} and {name}.data-00000-of-00001 into the same folder.",
        )


def _archive_around(path: Path) -> Path | None:
    """The archive that a path is or, if it were a folder, would lie in."""
    return next((one for one in (path, *path.parents) if _is_archive(one)), None)


def _is_archive(path: Path) -> bool:
    """Whether it is a .zip of files; what torch.save writes is a zip as well, of another ending and inside."""
    if not path.is_file() or not zipfile.is_zipfile(path):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return not any(re.fullmatch(r"[^/]+/data\.pkl", name) for name in archive.namelist())
    except (zipfile.BadZipFile, ValueError):
        return path.suffix == ARCHIVE_SUFFIX  # reading it says what is wrong


class _TooLarge(ValueError):
    """More is packed in an archive than any checkpoint holds."""


_FAULTS = ("it is damaged, or packed in a way that is not read", "a password is needed")


@contextmanager
def _unpacked(path: Path, named: Path, depth: int) -> Iterator[Path]:
    """A folder with the checkpoints of an archive; it is gone afterwards. Other files in it are not unpacked."""
    if depth == MOST_DEPTH:
        raise CoconetError(
            named,
            wanted=f"at most {MOST_DEPTH} archives in each other",
            got="another one",
            remedy="Unpack it and name the file.",
            says=f"lies in {MOST_DEPTH} archives, one in another, and is one itself",
        )
    with ScratchFolder() as folder:
        try:
            with zipfile.ZipFile(path) as archive:
                members = [info for info in archive.infolist() if _wanted(info)]
                if sum(info.file_size for info in members) > MOST_BYTES:
                    raise _TooLarge(f"it holds more than {MOST_BYTES >> 30} GiB of weights")
                for info in members:
                    archive.extract(info, folder)  # which keeps every name inside the folder
        except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, ValueError, OSError) as error:
            encrypted = isinstance(error, RuntimeError) and "password" in str(error)
            told = (
                str(error) if isinstance(error, _TooLarge) else getattr(error, "strerror", None)
            )  # such as a full disk
            fault = told or _FAULTS[encrypted]
            raise CoconetError(
                named,
                wanted=f"a whole {ARCHIVE_SUFFIX}",
                got=fault,
                remedy="Unpack it and name the file.",
                says=f"cannot be unpacked: {fault}",
            ) from error
        yield Path(folder)


def _wanted(info: zipfile.ZipInfo) -> bool:
    suffixes = {*CHECKPOINT_SUFFIXES, ARCHIVE_SUFFIX}
    return not info.is_dir() and (Path(info.filename).suffix in suffixes or bool(MEMBER.search(info.filename)))
