"""Files written whole or not at all, the hash that names their content, and refusals to write in words."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from coconet.errors import CoconetError
from coconet.redaction import is_network_address


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a scratch path beside `path`; rename it into place only if the block ends without an error.

    The scratch file keeps the suffix of `path`, because many writers choose their format by it. A file that is
    replaced keeps its permissions.
    """
    refuse_address(path)
    if not path.parent.is_dir():
        raise CoconetError(
            path,
            wanted="a path in an existing folder",
            got=f"no folder {path.parent}",
            remedy="Create the folder first.",
        )
    handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    scratch = Path(name)
    try:
        yield scratch
        scratch.chmod(stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o644)  # a rig file may hold passwords
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)


def existing_file(path: Path, kind: str) -> Path:
    """Return `path`, or say that no such file exists; `kind` says what it should have been, as `an ONNX model`."""
    if not path.is_file():
        got = "a folder" if path.is_dir() else "no such file"
        raise CoconetError(path, wanted=kind, got=got, remedy="Check the path.")
    return path


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, as 64 hexadecimal digits."""
    digest = hashlib.sha256()  # hashlib.file_digest came with Python 3.11; JetPack 6 has 3.10
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def refuse_address(path: Path) -> None:
    """Refuse a network address as a path: it would become folders, one of them named with its password."""
    if is_network_address(str(path)):
        raise CoconetError(
            path, wanted="a path on this machine", got="a network address", remedy="Name a file or folder."
        )


def make_folder(folder: Path) -> None:
    """Make a folder and those above it. Raises CoconetError for a network address, and where it cannot be made."""
    refuse_address(folder)
    with writing_to(folder):
        folder.mkdir(parents=True, exist_ok=True)


@contextmanager
def writing_to(path: Path) -> Iterator[None]:
    """Turn what the operating system refuses inside the block into a CoconetError about `path`."""
    try:
        yield
    except OSError as error:
        raise CoconetError(
            path,
            wanted="a place that can be written to",
            got=error.strerror or str(error),
            remedy="Choose another place, or free space and give yourself the right to write there.",
        ) from error
