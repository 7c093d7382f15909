"""Files written whole or not at all, names that files can have, and the hash that tells content apart."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import chain, count
from pathlib import Path

from coconet.errors import CoconetError, ExitCode, Refused, named_as, nearest_path, reading_from
from coconet.redaction import is_network_address
from coconet.writing.scratch import ScratchFile
from coconet.writing.sources import real_place

UNFINISHED = ".unfinished"
"""What is written for long has this ending until it is whole, and keeps it after a crash."""

LEAST_FREE_BYTES = 10**9

LEAST_FREE_SHARE = 0.05

_DISK_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO})


class Unwritable(CoconetError):
    """A place that takes no file now: no such folder, no right to write there, a disk that is full or read-only.

    It may be otherwise another time, once a disk is mounted or has room: whatever finds it, and whether anything was
    begun, it ends a command with ExitCode.OUTPUT. What the name itself forbids, such as that of a folder or of an
    input, is ExitCode.REFUSED.
    """

    exit_code = ExitCode.OUTPUT


@contextmanager
def whole_file(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """Give a scratch path beside `path`; rename it into place only if the block ends without an error.

    The scratch file keeps the suffix of `path`, because many writers choose their format by it. A link is followed to
    what it names. A file that is replaced keeps its permissions and its owner.
    durable: wait until file and name are on the disk, so that a power cut leaves the old or the new file.
    Raises Unwritable for a place that cannot be written to, a read-only file, and for a disk that takes no more.
    """
    check_place(path)
    with writing_to(path):
        target = check_replaceable(path)
        scratch = ScratchFile(target)
    _SCRATCH.add(scratch)
    try:
        with disk_errors_of(path), named_as(scratch.path, path):
            yield scratch.path
        with writing_to(path):
            give_name(scratch.path, target, durable=durable)
    finally:
        scratch.close()
        _SCRATCH.discard(scratch)


_SCRATCH: set[ScratchFile] = set()


def remove_scratch() -> None:
    """Remove the scratch files of this process, which is about to end without leaving its blocks."""
    for scratch in tuple(_SCRATCH):
        with suppress(OSError):
            scratch.path.unlink(missing_ok=True)


def give_name(scratch: Path, target: Path, *, durable: bool = True) -> None:
    """Rename a file that is whole into place, with the permissions and the owner of the file it replaces.

    durable: as whole_file says. Raises OSError if that is not possible.
    """
    _take_over(scratch, target)
    if durable:
        _sync(scratch)
    scratch.replace(target)
    if durable:
        _sync(target.parent)


def check_replaceable(path: Path) -> Path:
    """Follow a link, and give the file that would be replaced. Raises CoconetError for what can be no such file."""
    target = real_place(path)
    if not target.parent.is_dir():
        there = os.path.lexists(target.parent)
        fault = f"{target.parent} is not a folder" if there else f"there is no folder {target.parent}"
        raise Unwritable(
            path,
            wanted="a path in an existing folder",
            got=fault,
            remedy="Choose another place." if there else f"{nearest_path(path.parent)}Create the folder first.",
            says=f"cannot be written: {fault}",
        )
    with writing_to(path):
        before = target.stat() if target.exists() else None
    if before is None:
        return target
    if not stat.S_ISREG(before.st_mode):
        got = "a folder" if stat.S_ISDIR(before.st_mode) else "a device or a pipe"
        says = f"is {got}, which a file cannot replace"
        raise Refused(path, wanted="the name of a file", got=got, remedy="Choose another name.", says=says)
    if not before.st_mode & 0o222 or not os.access(target, os.W_OK):
        raise Unwritable(
            path,
            wanted="a file that may be written",
            got="a read-only one",
            remedy="Choose another name, or give yourself the right to write it.",
            says="is read-only",
        )
    return target


def _take_over(scratch: Path, target: Path) -> None:
    """Give the scratch file the owner and the permissions of the file it replaces; a rig file may hold passwords."""
    if not target.exists():
        scratch.chmod(0o644)
        return
    before, now = target.stat(), scratch.stat()
    if hasattr(os, "chown") and (now.st_uid, now.st_gid) != (before.st_uid, before.st_gid):
        os.chown(scratch, before.st_uid, before.st_gid)  # before the permissions, which it may take away
    scratch.chmod(stat.S_IMODE(before.st_mode))


def _sync(path: Path) -> None:
    if path.is_dir() and os.name == "nt":  # no handle of a folder there
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def existing_file(path: Path, kind: str, remedy: str = "") -> Path:
    """Return `path`, or raise Refused for one that is no file or may not be read.

    kind: what it should have been, as `an ONNX model`. remedy: what to do if there is no file; unless given, to check
    the path, with a question about a name that is near.
    """
    with reading_from(path, kind):
        if not path.is_file():
            got = "a folder" if path.is_dir() else "a device, a pipe or a socket" if path.exists() else "no such file"
            fault = f"is {got}" if path.exists() else "does not exist"
            remedy = remedy or f"{'' if path.exists() else nearest_path(path)}Check the path."
            raise Refused(path, wanted=kind, got=got, remedy=remedy, says=f"{fault}; expected {kind}")
        if not os.access(path, os.R_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    return path


def read_file(path: Path, kind: str, remedy: str = "") -> bytes:
    """Read a whole file; Refused as existing_file says, and for one that does not give its bytes."""
    with reading_from(path, kind):
        return existing_file(path, kind, remedy).read_bytes()


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, as 64 hexadecimal digits."""
    digest = hashlib.sha256()  # hashlib.file_digest came with Python 3.11; JetPack 6 has 3.10
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def plain_name(name: str, where: object) -> str:
    """Return a name that came out of a file, as that of a file in a folder; refuse one that leads out of the folder."""
    if name in ("", ".", "..") or any(sign in name for sign in "/\\\0"):
        shown = name if len(name) <= 80 else f"{name[:80]}..."
        raise CoconetError(
            where,
            wanted="the plain name of a file",
            got=repr(shown),
            remedy="Restore the file: it was changed.",
            says=f"names {shown!r}, which is not the plain name of a file",
        )
    return name


def holds_something(path: Path) -> bool:
    """Whether a file or folder is there that is not empty."""
    place = real_place(path)
    with writing_to(path):
        if place.is_dir():
            return any(place.iterdir())
        return place.exists() and (not place.is_file() or place.stat().st_size > 0)


def unfinished(path: Path) -> Path:
    """Where a file or folder is while it is being written."""
    place = path if path.name else path.absolute()  # of the working folder, "."
    return place.with_name(place.name + UNFINISHED) if place.name else place / UNFINISHED


def free_name(path: Path, word: str = "") -> Path:
    """Give the first of name-word.mp4, name-word-2.mp4 ... that is free; without a word it begins with name-2.mp4."""
    stem = f"{path.stem}-{word}" if word else path.stem
    numbered = (path.with_name(f"{stem}-{number}{path.suffix}") for number in count(2))
    names = chain([path.with_name(f"{stem}{path.suffix}")] if word else [], numbered)
    return next(name for name in names if not (os.path.lexists(name) or os.path.lexists(unfinished(name))))


def check_place(path: Path) -> None:
    """Refuse what can be no path of this machine: a network address, and a name that no file can have.

    An address would become folders, one of them named with its password.
    """
    if is_network_address(str(path)):
        raise CoconetError(
            path,
            wanted="a path on this machine",
            got="a network address",
            remedy="Name a file or folder.",
            says="is a network address; expected a path on this machine",
        )
    try:
        path.lstat()
    except (OSError, ValueError) as error:  # ValueError: a zero byte
        if isinstance(error, ValueError) or error.errno == errno.ENAMETOOLONG:
            got = "a name that no file can have"
            raise Refused(
                _shortened(path),
                wanted="a path on this machine",
                got=got,
                remedy="Choose another name.",
                says=f"is {got}",
            ) from error


def _shortened(path: Path) -> str:
    shown = repr(str(path))
    return shown if len(shown) <= 80 else f"{shown[:80]}..."


def make_folder(folder: Path) -> None:
    """Make a folder and those above it. Raises CoconetError for a network address, and if it cannot be made."""
    check_place(folder)
    with writing_to(folder):
        folder.mkdir(parents=True, exist_ok=True)


def spare_bytes(folder: Path, reserve_mb: float | None = None) -> int:
    """How much may be written to the disk of a folder before its reserve is used up; below 0 if it is.

    reserve_mb: megabytes (10**6 bytes) that stay free; unless given, a gigabyte, or a twentieth of a small disk.
    A folder that is yet to be made counts as the one that it will be in. Raises CoconetError if there is none.
    """
    place = next((one for one in (folder, *folder.absolute().parents) if one.exists()), folder)
    with writing_to(place):
        disk = shutil.disk_usage(place)
    usual = min(LEAST_FREE_BYTES, LEAST_FREE_SHARE * disk.total)
    return round(disk.free - (usual if reserve_mb is None else reserve_mb * 1e6))


@contextmanager
def writing_to(path: Path) -> Iterator[None]:
    """Turn what the operating system refuses inside the block into Unwritable, about `path`."""
    try:
        yield
    except OSError as error:
        raise _not_writable(path, error) from error


@contextmanager
def disk_errors_of(path: Path) -> Iterator[None]:
    """Turn the errors that only a disk gives, as that it is full, into Unwritable, about `path`."""
    try:
        yield
    except OSError as error:
        if error.errno not in _DISK_ERRORS:
            raise
        raise _not_writable(path, error) from error


def _not_writable(path: Path, error: OSError) -> Unwritable:
    return Unwritable(
        path,
        wanted="a place that can be written to",
        got=error.strerror or str(error),
        remedy="Choose another place, or free space and give yourself the right to write there.",
        says=f"cannot be written: {error.strerror or error}",
    )
