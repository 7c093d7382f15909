"""Paired folders: which infrared picture belongs to which visible one."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from coconet.errors import CoconetError

INFRARED_NAMES = ("ir", "IR", "infrared", "Infrared", "thermal")

VISIBLE_NAMES = ("vis", "VIS", "visible", "Visible", "vi", "VI")

PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"})


@dataclass(frozen=True)
class PicturePair:
    """Two files of one scene; `name` is the visible file's name."""

    name: str
    visible: Path
    infrared: Path


def pictures_in(folder: Path) -> list[Path]:
    """The picture files of a folder, sorted by name. Raises CoconetError where there is no folder or no picture."""
    if not folder.is_dir():
        raise CoconetError(folder, wanted="a folder of pictures", got="no such folder", remedy="Check the path.")
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURE_SUFFIXES)
    if not found:
        raise CoconetError(
            folder,
            wanted=f"pictures ({', '.join(sorted(PICTURE_SUFFIXES))})",
            got="a folder without any",
            remedy="Put the pictures directly into this folder.",
        )
    twice = [path for path, following in pairwise(found) if path.stem == following.stem]
    if twice:
        raise CoconetError(
            twice[0],
            wanted="one picture of each name, whatever its ending",
            got="another one with the same name in this folder",
            remedy="Remove or rename one of the two.",
        )
    return found


def check_picture_ending(path: Path) -> None:
    """Refuse a name that no picture can be written under; the ending chooses the format."""
    if path.suffix.lower() not in PICTURE_SUFFIXES:
        raise CoconetError(
            path,
            wanted=f"a name that ends in one of {', '.join(sorted(PICTURE_SUFFIXES))}",
            got=path.suffix or "no ending",
            remedy="Change the ending.",
        )


def paired_folder(root: Path) -> list[PicturePair]:
    """The pairs of a folder that holds `ir/` and `vis/` (or IR/VIS, infrared/visible) with equal file names."""
    return pair_by_name(_subfolder(root, VISIBLE_NAMES), _subfolder(root, INFRARED_NAMES))


def pair_by_name(visible: Path, infrared: Path) -> list[PicturePair]:
    """The pairs of two folders, by file name without its ending; a picture without a partner is an error."""
    sides = [{path.stem: path for path in pictures_in(folder)} for folder in (visible, infrared)]
    alone = sorted(sides[0].keys() ^ sides[1].keys())
    if alone:
        raise CoconetError(
            f"{visible} and {infrared}",
            wanted="the same file names in both folders",
            got=f"{len(alone)} without a partner, the first one {alone[0]}",
            remedy="Remove or rename the pictures that stand alone.",
        )
    return [PicturePair(path.name, path, sides[1][stem]) for stem, path in sides[0].items()]


def _subfolder(root: Path, names: tuple[str, ...]) -> Path:
    if not root.is_dir():
        raise CoconetError(root, wanted="a folder of paired pictures", got="no such folder", remedy="Check the path.")
    for name in names:
        if (root / name).is_dir():
            return root / name
    raise CoconetError(
        root,
        wanted=f"a subfolder called {', '.join(names[:-1])} or {names[-1]}",
        got="none of them",
        remedy="Give the folder above the two, for example one that holds ir/ and vis/.",
    )
