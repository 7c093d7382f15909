"""Weight files as they lie about: single files, archives and folders of them, TensorFlow checkpoints, parts by name."""

from __future__ import annotations

import hashlib
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from coconet.errors import CoconetError, MissingPackage, first_line
from coconet.files import check_place, existing_file, sha256_of
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


@dataclass(frozen=True)
class Piece:
    """What one file holds. part: the part of the network that it was said to be; empty where that was left open.

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
    folder or a .zip of such files, or ARCHIVE.zip/FILE for one of them.
    Raises CoconetError for a file that is missing, damaged or would execute code, and where there is none in a folder.
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
    if path.is_dir():
        yield from _all_of(part, path, path, path)
        return
    index = find_bundle(path)
    if index is not None:
        yield _piece(part, path, index, str(path))
    elif _is_archive(path):
        with _unpacked(path) as folder:
            yield from _all_of(part, path, folder, folder)
    elif (archive := next((parent for parent in path.parents if _is_archive(parent)), None)) is not None:
        with _unpacked(archive) as folder:
            inner = folder / path.relative_to(archive)
            yield from _all_of(part, archive, folder, inner if inner.exists() else _refuse_member(path, folder))
    else:
        _refuse_lone_member(path)
        yield _piece(part, path, path, str(path))


def _all_of(part: str, shown: Path, root: Path, inner: Path) -> Iterator[Piece]:
    """Every checkpoint of a folder, or the one file; `root` is called `shown` in errors."""
    files = checkpoints_in(inner) if inner.is_dir() else [find_bundle(inner) or inner]
    if not 1 <= len(files) <= MOST_FILES:
        raise CoconetError(
            shown,
            wanted=f"1 to {MOST_FILES} checkpoints, which end in {', '.join((*CHECKPOINT_SUFFIXES, INDEX_ENDING))}",
            got=f"{len(files)}",
            remedy="Name one checkpoint.",
        )
    for file in files:
        yield _piece(part, shown, file, str(shown / file.relative_to(root)))


def checkpoints_in(folder: Path) -> list[Path]:
    """The weight files in a folder and below it, TensorFlow checkpoints by their index, in order."""
    endings = {*CHECKPOINT_SUFFIXES, INDEX_ENDING}
    found = (path for path in sorted(entries_below(folder)) if path.suffix in endings and found_by(path.is_file))
    return [path for path in found if not path.name.startswith(".") and "__MACOSX" not in path.parts]


def _piece(part: str, shown: Path, file: Path, where: str) -> Piece:
    if file.suffix == INDEX_ENDING:
        values = read_bundle(file, where)
        tensors = {name: torch.from_numpy(value.copy()) for name, value in values.items()}
        data = sorted(file.parent.glob(f"{file.stem}.data-*"))
        joined = hashlib.sha256("".join(map(sha256_of, data)).encode()).hexdigest()
        return Piece(where, shown, _some(tensors, where), sha256_of(data[0]) if len(data) == 1 else joined, part)
    metadata, tensors_of_file = read_tensors(file, where)
    return Piece(where, shown, tensors_of_file, sha256_of(file), part, metadata)


def _some(tensors: Mapping[str, Tensor], where: object) -> Mapping[str, Tensor]:
    if tensors:
        return tensors
    raise CoconetError(where, wanted="tensors of numbers", got="none", remedy="Name another checkpoint.")


def _refuse_lone_member(path: Path) -> None:
    """Say of a file of a TensorFlow checkpoint what it is, where its index is missing."""
    name = MEMBER.sub("", path.name)
    if name != path.name and path.suffix != INDEX_ENDING:
        raise CoconetError(
            path,
            wanted=f"{name}{INDEX_ENDING} beside it, as this is one file of a TensorFlow checkpoint",
            got="no such file",
            remedy=f"Copy {name}{INDEX_ENDING} and {name}.data-00000-of-00001 into the same folder.",
        )


def _refuse_member(path: Path, folder: Path) -> Path:
    names = [str(file.relative_to(folder)) for file in checkpoints_in(folder)[:5]]
    raise CoconetError(
        path, wanted="a file that is in the archive", got="no such file", remedy=f"It holds {', '.join(names)}."
    )


def _is_archive(path: Path) -> bool:
    """Whether it is a .zip of files; what torch.save writes is a zip as well, of another ending and inside."""
    if not path.is_file() or not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return not any(re.fullmatch(r"[^/]+/data\.pkl", name) for name in archive.namelist())


@contextmanager
def _unpacked(path: Path) -> Iterator[Path]:
    """A folder with the checkpoints of an archive; it is gone afterwards. Other files in it are not unpacked."""
    existing_file(path, "an archive")
    with ScratchFolder() as folder:
        try:
            with zipfile.ZipFile(path) as archive:
                members = [info for info in archive.infolist() if _wanted(info)]
                if sum(info.file_size for info in members) > MOST_BYTES:
                    raise ValueError(f"more than {MOST_BYTES >> 30} GiB")
                for info in members:
                    archive.extract(info, folder)  # which keeps every name inside the folder
        except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, ValueError, OSError) as error:
            raise CoconetError(
                path, wanted=f"a whole {ARCHIVE_SUFFIX}", got=first_line(error), remedy="Unpack it and name the file."
            ) from error
        yield Path(folder)


def _wanted(info: zipfile.ZipInfo) -> bool:
    suffixes = {*CHECKPOINT_SUFFIXES, ARCHIVE_SUFFIX}
    return not info.is_dir() and (Path(info.filename).suffix in suffixes or bool(MEMBER.search(info.filename)))
