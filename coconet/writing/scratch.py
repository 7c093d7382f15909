"""Scratch files and folders: named by the process that writes them, and removed by the next one if that was killed."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import weakref
from contextlib import suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows, which refuses by itself to rename a file that is open
    fcntl = None  # type: ignore[assignment]

_RANDOM = r"(\d+)-[a-z0-9_]{8}"

_FILE = re.compile(rf"\..+\.coconet-{_RANDOM}(\.[^.]*)?")

_FOLDER = re.compile(rf"coconet-{_RANDOM}")


def lock_unfinished(path: Path) -> int | None:
    """Hold the file or folder that is being written, until the handle is closed; None if another process holds it.

    A lock ends with its process, however that ends.
    """
    handle = os.open(path, os.O_RDONLY)
    if fcntl is not None:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            return None
    return handle


class ScratchFile:
    """An empty hidden file beside the one that it is to become, with the same ending; `close` removes what is left.

    path: where it is. Raises OSError if it cannot be made.
    """

    def __init__(self, target: Path) -> None:
        """Make the file; what killed processes have left in the same folder is removed, once a process."""
        remove_leftovers(target.parent, _FILE)
        prefix = f".{target.stem}.coconet-{os.getpid()}-"
        handle, name = tempfile.mkstemp(prefix=prefix, suffix=target.suffix, dir=target.parent)
        os.close(handle)
        self.path = Path(name)
        self._lock = lock_unfinished(self.path)

    def close(self) -> None:
        """Remove the file, unless it has got another name; a second call does nothing."""
        self.path.unlink(missing_ok=True)
        lock, self._lock = self._lock, None
        if lock is not None:
            os.close(lock)


def scratch_files_of(target: Path) -> list[Path]:
    """The scratch files, of any process, that are to become `target`."""
    begin, end = f".{target.stem}.coconet-", target.suffix
    with suppress(OSError):
        return [path for path in target.parent.iterdir() if path.name.startswith(begin) and path.suffix == end]
    return []


class ScratchFolder(tempfile.TemporaryDirectory[str]):
    """A folder among the temporary files of the machine, removed at the end of its block, or by the next process."""

    def __init__(self, parent: Path | None = None) -> None:
        """Make the folder; those that killed processes have left are removed, once a process.

        parent: where it is made in place of that, for what is to be renamed from it.
        """
        remove_leftovers(parent or Path(tempfile.gettempdir()), _FOLDER)
        super().__init__(prefix=f"coconet-{os.getpid()}-", dir=parent)
        lock = lock_unfinished(Path(self.name))
        self._unlock = None if lock is None else weakref.finalize(self, os.close, lock)

    def cleanup(self) -> None:
        """Remove the folder; a second call does nothing."""
        super().cleanup()
        if self._unlock is not None:
            self._unlock()


_LOOKED_AT: set[tuple[Path, str]] = set()


def remove_leftovers(folder: Path, names: re.Pattern[str] = _FILE) -> None:
    """Remove scratch files or folders of processes that have ended; looks once a process at each folder."""
    if fcntl is None or (folder, names.pattern) in _LOOKED_AT:
        return
    _LOOKED_AT.add((folder, names.pattern))
    with suppress(OSError):
        for path in folder.iterdir():
            found = names.fullmatch(path.name)
            if found is not None and not _is_running(int(found[1])):
                with suppress(OSError):  # of another user, or already removed by another process
                    _remove(path)


def _remove(path: Path) -> None:
    if path.is_symlink() or path.stat().st_uid != os.getuid():
        return
    lock = lock_unfinished(path)
    if lock is None:  # in use: processes of other containers have numbers of their own
        return
    try:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    finally:
        os.close(lock)


def _is_running(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except OverflowError:  # no process has that number
        return False
    except PermissionError:
        return True
    return True
