"""Folders of pictures: what is in them, and what is refused as none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from coconet.errors import Refused, counted, nearest_path, reading_from
from coconet.event_log import warn_once
from coconet.media.header import UNREAD_SUFFIXES
from coconet.media.naming.bag_names import BAG_SUFFIXES
from coconet.media.naming.entries import entries_below, found_by, is_hidden
from coconet.media.naming.picture_names import PICTURE_SUFFIXES, is_picture, name_key

_SHOWN = 3

Key = TypeVar("Key", str, tuple[str, ...])


def pictures_in(folder: Path) -> list[Path]:
    """The picture files of a folder, sorted by name; those of its sub-folders where it holds none itself.

    A picture file is a folder of one.
    Names that begin with a dot are no pictures. Raises CoconetError if there is no folder or no picture, and if
    two pictures have the same name but for its ending, its capital letters or its Unicode form.
    """
    if is_picture_file(folder):
        return [folder]
    found = pictures_below(folder)
    keyed(found, lambda path: name_key(path.relative_to(folder).as_posix()))
    return found


def pictures_below(folder: Path) -> list[Path]:
    """As pictures_in, of a folder only, and whatever their names have in common."""
    check_folder(folder, "a folder of pictures")
    with reading_from(folder, "a folder of pictures"):
        found = sorted(path for path in folder.iterdir() if is_picture(path) and found_by(path.is_file))
        if not found:
            inside = (path for path in entries_below(folder) if is_picture(path) and found_by(path.is_file))
            found = sorted(path for path in inside if not is_hidden(path.relative_to(folder)))
    _warn_of_unread(folder)
    if not found:
        without = _without_pictures(folder)
        raise Refused(
            folder,
            wanted=f"pictures ({', '.join(sorted(PICTURE_SUFFIXES))})",
            got=f"one that {without}",
            remedy=_remedy_without_pictures(folder),
            says=f"has no pictures: it {without}",
        )
    return found


def _warn_of_unread(folder: Path) -> None:
    """Warn of pictures that lie in a folder and are of kinds that are not read."""
    with reading_from(folder, "a folder of pictures"):
        inside = [path for path in folder.iterdir() if not path.name.startswith(".")]
    unread = [path for path in inside if path.suffix.lower() in UNREAD_SUFFIXES]
    if unread:
        kinds = ", ".join(sorted({path.suffix.lower() for path in unread}))
        warn_once(f"{folder}: {counted(len(unread), 'picture')} left out, of kinds that are not read: {kinds}.")


def _without_pictures(folder: Path) -> str:
    """What a folder without pictures holds instead, as the rest of a sentence about it."""
    shown = (path for path in entries_below(folder) if not is_hidden(path.relative_to(folder)))
    endings = Counter(path.suffix.lower() or "no ending" for path in shown if found_by(path.is_file))
    named = ", ".join(ending for ending, _ in endings.most_common(_SHOWN))
    return f"holds only other files ({named})" if endings else "is empty"


def _remedy_without_pictures(folder: Path) -> str:
    """What to do about a folder without pictures: a recorder of ROS 2 that was killed leaves no metadata.yaml."""
    bags = sorted(path for path in folder.iterdir() if path.suffix.lower() in BAG_SUFFIXES and found_by(path.is_file))
    if bags:
        return f"Name the bag in it: {bags[0]}. As a folder, a bag needs the metadata.yaml of ROS 2."
    return "Put the pictures into this folder, or into folders inside it; save those of other kinds as PNG."


def has_pictures(folder: Path) -> bool:
    """Whether pictures lie in a folder itself, not only in folders inside it."""
    check_folder(folder, "a folder of pictures")
    with reading_from(folder, "a folder of pictures"):
        return any(is_picture(path) for path in folder.iterdir())


def check_folder(folder: Path, wanted: str) -> None:
    """Raise Refused if there is no folder, and for one that may not be read."""
    with reading_from(folder, wanted):
        if is_picture_file(folder):
            remedy = "Name the folder that it lies in, or the one above that holds both sides."
            says = f"is one picture; expected {wanted}"
            raise Refused(folder, wanted=wanted, got="one picture", remedy=remedy, says=says)
        if not folder.is_dir():
            got = "a file" if folder.is_file() else "no such folder"
            fault = "is a file" if folder.is_file() else "does not exist"
            says = f"{fault}; expected {wanted}"
            remedy = f"{'' if folder.is_file() else nearest_path(folder)}Check the path."
            raise Refused(folder, wanted=wanted, got=got, remedy=remedy, says=says)
        next(folder.iterdir(), None)


def is_picture_file(path: Path) -> bool:
    """Whether a path is that of a picture, and not of a folder of them."""
    with reading_from(path, "a folder of pictures"):
        return is_picture(path) and found_by(path.is_file)


def keyed(paths: Sequence[Path], key: Callable[[Path], Key]) -> dict[Key, Path]:
    """Paths by their key. Raises CoconetError if two have the same."""
    found: dict[Key, Path] = {}
    for path in paths:
        if (other := found.setdefault(key(path), path)) != path:
            wanted = "one picture of each name, whatever its ending and capital letters"
            got = f"another one with the same name, {path.name}"
            raise Refused(
                other,
                wanted=wanted,
                got=got,
                remedy="Remove or rename one of the two, or choose by --pair-by.",
                says=f"has the same name as {path.name} but for the ending or capital letters",
            )
    return found
