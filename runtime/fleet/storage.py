"""Where inputs and results of a batch lie: folders of this machine, or addresses that fsspec opens."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from coconet.errors import CoconetError, MissingPackage, Refused, first_line, nearest, reading_from
from coconet.files import make_folder, read_file, sha256_of, spare_bytes, whole_file, writing_to
from coconet.media.naming.entries import entries_below
from coconet.redaction import redact
from coconet.runtime.fleet.job import LOCK
from coconet.writing.new_folder import new_folder
from coconet.writing.scratch import lock_unfinished
from coconet.writing.sources import STAMPS_SUFFIX, later_parts
from coconet.writing.turn import turn_at

SCHEMES = ("file", "s3", "gs", "gcs", "abfs", "ssh", "sftp")
"""Of addresses that are files elsewhere; all others are cameras or paths."""


_LOCKED_S, _LOOK_S = 60.0, 0.02


def is_elsewhere(address: str) -> bool:
    """Whether an address is one for fsspec."""
    return address.partition("://")[0].lower() in SCHEMES and "://" in address


def unknown_storage(where: object, address: str) -> Refused:
    """The error for an address that is none for fsspec. where: what names it."""
    scheme, known = redact(address.partition("://")[0]), ", ".join(SCHEMES)
    remedy = f"{nearest(scheme, SCHEMES)}Name one of these, or a path."
    says = f"names an unknown kind of storage, {scheme}; known are {known}"
    return Refused(where, wanted=known, got=scheme, remedy=remedy, says=says)


def _file_system_of(address: str) -> tuple[Any, str]:
    """The file system of an address, and the path in it."""
    try:
        import fsspec
    except ImportError as error:
        raise MissingPackage("fsspec", job="files elsewhere", extra="fleet") from error
    try:
        system, path = fsspec.core.url_to_fs(address)
    except (ImportError, ValueError, OSError) as error:
        raise _unreachable(address, error) from error
    return system, str(path)


def _unreachable(address: str, error: Exception) -> CoconetError:
    return CoconetError(
        address,
        wanted="files that fsspec reaches",
        got=first_line(error),
        remedy="Install the driver for it, and check the keys.",
        says=f"cannot be reached through fsspec: {first_line(error)}",
    )


def fetch_into(address: str, folder: Path) -> Path:
    """Fetch a file or a folder into `folder`, which must have room for it, and give its path.

    A recording's stamps and later parts come along with its video. Raises CoconetError for what cannot be fetched.
    """
    system, path = _file_system_of(address)
    target = folder / PurePosixPath(unquote(urlsplit(address).path)).name
    stamps = str(PurePosixPath(path).with_suffix(STAMPS_SUFFIX))
    try:
        if not system.exists(path):
            raise FileNotFoundError("no such file")
        wanted = [path, *([stamps] if stamps != path and system.exists(stamps) else [])]
        wanted += map(str, later_parts(PurePosixPath(path), lambda part: system.isfile(str(part))))
        needed = sum(int(system.du(one)) for one in wanted)
        if needed > spare_bytes(folder):
            got = f"{needed / 1e6:.0f} MB to fetch"
            raise CoconetError(
                folder,
                wanted="room for the inputs",
                got=got,
                remedy="Free space, or set TMPDIR.",
                says=f"has too little room for the inputs: {needed / 1e6:.0f} MB are to be fetched",
            )
        for one in wanted:
            system.get(one, str(folder / PurePosixPath(one).name), recursive=True)
    except OSError as error:
        raise _unreachable(address, error) from error
    return target


def fingerprint(path: Path, known: object) -> dict[str, Any]:
    """What tells the content of a file or a folder: bytes, time and SHA-256 of every file in it, by its name.

    known: an earlier one, whose hashes are taken over for files of the same size and time; anything else is none.
    """
    files = sorted(one for one in entries_below(path) if one.is_file()) if path.is_dir() else [path]
    found, before = {}, known if isinstance(known, dict) else {}
    for file in files:
        name = file.relative_to(path.parent).as_posix()
        earlier = told if isinstance(told := before.get(name), dict) else {}
        with reading_from(file, "a file that stays while it is fused"):
            status = file.stat()
            same = (earlier.get("bytes"), earlier.get("time_ns")) == (status.st_size, status.st_mtime_ns)
            sha256 = earlier["sha256"] if same and "sha256" in earlier else sha256_of(file)
        found[name] = {"bytes": status.st_size, "time_ns": status.st_mtime_ns, "sha256": sha256}
    return found


class Results:
    """The root under which every result has a folder."""

    def __init__(self, root: str) -> None:
        self.root = root
        self._system: Any = None
        self._path = root
        if "://" in root and not is_elsewhere(root):
            raise unknown_storage("--out", root)
        if is_elsewhere(root):
            self._system, self._path = _file_system_of(root)

    @property
    def local(self) -> Path | None:
        """The root as a folder of this machine; None if it is elsewhere."""
        return Path(self._path) if self._system is None else None

    def read(self, name: str) -> bytes | None:
        """Read a file; None if there is none, or it does not give its bytes."""
        try:
            if self._system is None:
                return read_file(Path(self._path) / name, "a manifest")
            return bytes(self._system.cat_file(f"{self._path}/{name}"))
        except (OSError, CoconetError):
            return None

    def read_json(self, name: str) -> dict[str, Any] | None:
        """Read an object; None if there is none, or something else."""
        try:
            found = json.loads(self.read(name) or b"")
        except (ValueError, RecursionError):
            return None
        return found if isinstance(found, dict) else None

    def is_taken(self, name: str) -> bool:
        """Whether anything has this name, a link that leads nowhere included."""
        if self._system is not None:
            return bool(self._system.exists(f"{self._path}/{name}"))
        return os.path.lexists(Path(self._path) / name)

    def size_of(self, name: str) -> int | None:
        """The bytes of a file, or of all in a folder; None if there is none."""
        try:
            if self._system is not None:
                place = f"{self._path}/{name}"
                return int(self._system.du(place)) if self._system.exists(place) else None
            path = Path(self._path) / name
            return bytes_of(path) if path.exists() else None
        except OSError:
            return None

    def remove(self, name: str, *, folder: bool = False) -> None:
        """Remove a file, if it is there. folder: or a folder with all that is in it."""
        place = f"{self._path}/{name}"
        if self._system is not None:
            if self._system.exists(place):
                self._system.rm(place, recursive=folder)
            return
        with writing_to(Path(place)):
            if folder and Path(place).is_dir() and not Path(place).is_symlink():
                shutil.rmtree(place)
            else:
                Path(place).unlink(missing_ok=True)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the root for one batch; elsewhere than on this machine nothing is held.

        Raises Refused while another batch holds it: both would make the same results.
        """
        if self._system is not None:
            yield
            return

        def refuse() -> None:
            raise Refused(
                self.root,
                wanted="results that no other batch is making",
                got="another batch at work",
                remedy="Wait for its end, stop it, or choose another --out.",
                says="is being filled by another batch",
            )

        with new_folder(Path(self._path)) as root, turn_at(root / LOCK, refuse):
            yield

    @contextmanager
    def changing(self, name: str) -> Iterator[None]:
        """Change a result while no other process does; elsewhere than on this machine nothing is locked.

        Raises CoconetError if another process does not end with it in a minute.
        """
        handle, given_up_s = None, time.monotonic() + _LOCKED_S
        if self._system is None:
            folder = Path(self._path) / name
            make_folder(folder)
            while (handle := lock_unfinished(folder)) is None:
                if time.monotonic() > given_up_s:
                    got = "one that another process is writing"
                    raise CoconetError(
                        folder,
                        wanted="a result of its own",
                        got=got,
                        remedy="Run one batch at a time.",
                        says="is being written by another process",
                    )
                time.sleep(_LOOK_S)
        try:
            yield
        finally:
            if handle is not None:
                os.close(handle)

    def move_in(self, source: Path, name: str) -> None:
        """Bring a file or a folder to its place; what was there is replaced."""
        if self._system is not None:
            place = f"{self._path}/{name}"
            if self._system.exists(place):
                self._system.rm(place, recursive=True)
            self._system.makedirs(place.rpartition("/")[0], exist_ok=True)
            self._system.put(str(source), place, recursive=True)
            return
        target = Path(self._path) / name
        make_folder(target.parent)
        with writing_to(target):
            if target.is_dir():
                shutil.rmtree(target)
            source.replace(target)

    def write(self, name: str, data: bytes) -> None:
        """Write a file whole."""
        if self._system is not None:
            self._system.makedirs(f"{self._path}/{name}".rpartition("/")[0], exist_ok=True)
            self._system.pipe_file(f"{self._path}/{name}", data)
            return
        target = Path(self._path) / name
        make_folder(target.parent)
        with whole_file(target) as scratch:
            scratch.write_bytes(data)


def bytes_of(path: Path) -> int:
    """The bytes of a file, or of all in a folder."""
    files = entries_below(path) if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())
