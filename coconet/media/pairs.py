"""Pairs of pictures by name: in two folders, in one, in the layouts of known data sets, or by a pattern."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from coconet.errors import CoconetError, Refused, counted, reading_from
from coconet.event_log import note_once, warn_once
from coconet.media.header import picture_header
from coconet.media.naming.entries import entries_below, found_by, is_hidden
from coconet.media.naming.layouts import INFRARED_NAMES, PRESETS, SIDE_WORDS, VISIBLE_NAMES
from coconet.media.naming.near_misses import nearest_pattern, pairs_by, pattern_of
from coconet.media.naming.picture_folder import (
    check_folder,
    has_pictures,
    is_picture_file,
    keyed,
    pictures_below,
    pictures_in,
)
from coconet.media.naming.picture_names import is_picture, name_key

_NEAR = 0.6  # of the letters: a name that has less in common with another one is no near miss

_SHOWN = 3

_SIDES = ("visible", "infrared")


@dataclass(frozen=True)
class PicturePair:
    """Two files of one scene; `name` is the visible file's name, with the folders above it if there are several."""

    name: str
    visible: Path
    infrared: Path


def paired_folder(root: Path, pair_by: str | None = None) -> list[PicturePair]:
    """The pairs of a folder, as pair_by_name finds those of one that is given twice.

    pair_by: a pattern for each side, visible first, or the name of a preset; see pair_by_name.
    Raises CoconetError if there are no pairs, and for pictures that have no partner, naming the nearest.
    """
    return pair_by_name(root, root, pair_by)


def homes_of_both(root: Path) -> list[tuple[Path, Path]]:
    """(visible, infrared) folders that lie side by side, in the root or, if there are none, below it."""
    below = (path for path in entries_below(root) if found_by(path.is_dir) and not is_hidden(path.relative_to(root)))
    folders = [root, *sorted(below)]
    homes = []
    for folder in folders:
        both = _side_in(folder, VISIBLE_NAMES), _side_in(folder, INFRARED_NAMES)
        if both[0] is not None and both[1] is not None:
            homes.append((both[0], both[1]))
            if folder == root:
                break
    return homes


def _side_in(folder: Path, names: Sequence[str]) -> Path | None:
    with reading_from(folder, "a folder of paired pictures"):
        found = {path.name.casefold(): path for path in sorted(folder.iterdir(), reverse=True) if found_by(path.is_dir)}
    return next((found[name] for name in names if name in found), None)


def _said_by_files(root: Path) -> list[PicturePair]:
    """Pairs of one folder whose file names say the side; none if nothing is clear."""
    try:
        paths = pictures_below(root)
    except CoconetError:
        return []
    sides: tuple[dict[str, Path], dict[str, Path]] = {}, {}
    for path in paths:
        words = set(re.split(r"[_\-. ]+", name_key(path.name)))
        says = bool(words & set(VISIBLE_NAMES)), bool(words & {*INFRARED_NAMES, "previewdata"})
        if says in ((True, False), (False, True)):
            side, key = sides[says[1]], _without_side(path.relative_to(root).as_posix())
            if key in side:
                return []
            side[key] = path
    both = sides[0].keys() & sides[1].keys()
    if not both or len(both) < max(map(len, sides)):
        return []
    return _named_from(root, [PicturePair(sides[0][key].name, sides[0][key], sides[1][key]) for key in sorted(both)])


def pair_by_name(visible: Path, infrared: Path, pair_by: str | None = None) -> list[PicturePair]:
    """The pairs of two folders, or of one given twice, by name; a picture without a partner is an error.

    Two picture files are a pair whatever their names; one beside a folder belongs to the picture of its name in there.
    Of two folders that each hold both sides only the side that was asked for is taken.
    One folder holds `ir/` and `vis/` (or other names of the two), side by side in it or in several places below
    (train/ir, train/vi, test/ir, ...), files whose names say the side, or radiometric pictures, which are both.
    Names are compared without their ending, without the difference of capital letters, in one Unicode form; if that
    pairs nothing, also without words that say the side (`_RGB`, `_PreviewData`, `_IR`).
    pair_by: two patterns for the path below the folder without its ending, visible first, or a word of PRESETS. `{}`
    stands for what both names of a pair have in common, `*` for anything. Names that fit neither are left out, and,
    with a warning, those that have no partner.
    Raises CoconetError that names the nearest misses and the command that would pair them.
    """
    if pair_by is not None:
        return _by_patterns(visible, infrared, pair_by)
    if is_picture_file(visible) or is_picture_file(infrared):
        return [_pair_of_files(visible, infrared)]
    if os.path.realpath(visible) == os.path.realpath(infrared):
        return _of_one_folder(visible)
    return _of_two_folders(visible, infrared)


def _of_two_folders(visible: Path, infrared: Path, root: Path | None = None) -> list[PicturePair]:
    """root: the folder that was named for both, which patterns would begin below."""
    folders, sides = (visible, infrared), [_one_side(visible, 0), _one_side(infrared, 1)]
    if not sides[0].keys() & sides[1].keys() and (words := _without_words(folders, sides)):
        sides = words
    alone = sorted(sides[0].keys() ^ sides[1].keys())
    if alone:
        raise _alone(visible, infrared, sides, alone, root)
    return _named_from(visible, [PicturePair(path.name, path, sides[1][key]) for key, path in sides[0].items()])


def _pair_of_files(visible: Path, infrared: Path) -> PicturePair:
    """A pair of two picture files, of one and the picture of its name in a folder, or of a radiometric one itself."""
    if os.path.realpath(visible) == os.path.realpath(infrared):
        if picture_header(visible.read_bytes()).maker != "FLIR":
            check_folder(visible, "a folder of paired pictures")
        _check_unpacks()
    sides = (visible, infrared)
    if all(map(is_picture_file, sides)):
        return PicturePair(visible.name, visible, infrared)
    file, folder = sides if is_picture_file(visible) else (infrared, visible)
    found = _one_side(folder, 1 if folder == infrared else 0).get(name_key(file.name))
    if found is None:
        raise Refused(
            folder,
            wanted=f"a picture called like {file.name}",
            got="none of that name",
            remedy="Name two pictures, or two folders.",
            says=f"has no picture called like {file.name}",
        )
    return PicturePair(visible.name, visible, found) if file == visible else PicturePair(found.name, found, infrared)


def _one_side(folder: Path, side: int) -> dict[str, Path]:
    """The pictures of a folder by their keys; of one that holds both sides only those of side 0 (visible) or 1."""
    if not has_pictures(folder) and (homes := homes_of_both(folder)):
        note_once(f"{folder} holds both sides; {homes[0][side].name}/ is the {_SIDES[side]} one.")
        inside = [(path, home[side]) for home in homes for path in pictures_in(home[side])]
        keys = {path: (home.parent / path.relative_to(home)).relative_to(folder) for path, home in inside}
        return keyed(list(keys), lambda path: name_key(keys[path].as_posix()))
    if said := _said_by_files(folder):
        paths = [(pair.visible, pair.infrared)[side] for pair in said]
        note_once(f"{folder} holds both sides; pictures such as {paths[0].name} are the {_SIDES[side]} ones.")
        return {_without_side(path.relative_to(folder).as_posix()): path for path in paths}
    return {name_key(path.relative_to(folder).as_posix()): path for path in pictures_in(folder)}


def _of_one_folder(root: Path) -> list[PicturePair]:
    """Pairs of sub-folders that say the side, of names that do, or of radiometric pictures, each of which is both."""
    check_folder(root, "a folder of paired pictures")
    homes = homes_of_both(root)
    if homes:
        pairs = [pair for visible, infrared in homes for pair in _of_two_folders(visible, infrared, root)]
        return pairs if len(homes) == 1 else _named_from(root, pairs)
    if pairs := _said_by_files(root):
        return pairs
    paths = pictures_in(root)
    if all(picture_header(path.read_bytes()).maker == "FLIR" for path in paths):
        _check_unpacks()
        return _named_from(root, [PicturePair(path.name, path, path) for path in paths])
    raise Refused(
        root,
        wanted=f"a subfolder called {', '.join(VISIBLE_NAMES[:4])} ... and one of {', '.join(INFRARED_NAMES[:3])} ..., "
        "names that say the side, such as 1_vis.png and 1_ir.png, or radiometric pictures",
        got=f"none of them, with names such as {paths[0].name}",
        remedy=_how_they_pair(root, paths)
        or "Give the folder above the two, for example one that holds ir/ and vis/, or say --pair-by "
        '"{}_left,{}_right", with {} for what the two names of a pair have in common.',
        says=f"holds pictures such as {paths[0].name}, but nothing says which are visible and which infrared",
    )


def _check_unpacks() -> None:
    from coconet.media.radiometric import check_unpacks  # which needs NumPy

    check_unpacks()


def _without_words(folders: Iterable[Path], sides: Iterable[Mapping[str, Path]]) -> list[dict[str, Path]] | None:
    """Both sides keyed without the words that say the side, where that is clear."""
    keyed = []
    for folder, side in zip(folders, sides, strict=True):
        keyed.append({_without_side(path.relative_to(folder).as_posix()): path for path in side.values()})
        if len(keyed[-1]) < len(side):
            return None
    return keyed if keyed[0].keys() & keyed[1].keys() else None


def _without_side(name: str) -> str:
    words = re.split(r"([_\-. /]+)", name_key(name))
    return "_".join(word for word in words[::2] if word not in SIDE_WORDS)


def _by_patterns(visible: Path, infrared: Path, pair_by: str) -> list[PicturePair]:
    patterns = PRESETS.get(pair_by.casefold(), (pair_by,))
    found = (_matches(visible, infrared, pattern, len(patterns) > 1) for pattern in patterns)
    best = max(found, key=lambda one: len(one.keys))
    if best.keys:
        if best.alone:
            warn_once(
                f"{visible} and {infrared}: {counted(len(best.keys), 'pair')} of the form {best.pattern}; left out: "
                f"{counted(len(best.alone), 'picture')} without a partner, the first one {best.alone[0].name}"
            )
        return _named_from(visible, [PicturePair(first.name, first, second) for first, second in best.pairs()])
    if pair_by.casefold() in PRESETS:
        with suppress(CoconetError):  # many a copy of a data set lies in folders of other names
            return pair_by_name(visible, infrared)
    seen = [
        path.relative_to(folder).as_posix() for folder in (visible, infrared) for path in pictures_below(folder)[:1]
    ]
    raise Refused(
        "--pair-by",
        wanted=f"names of the form {' or '.join(patterns[:_SHOWN])}",
        got=f"no pair of them among names such as {' and '.join(dict.fromkeys(seen))}",
        remedy="Write {} for what the two names of a pair have in common, * for what differs, visible first; or one of "
        f"{', '.join(PRESETS)}.",
        says=f"finds no pair of the form {' or '.join(patterns[:_SHOWN])} among names such as "
        f"{' and '.join(dict.fromkeys(seen))}",
    )


@dataclass(frozen=True)
class _Matches:
    """What a pattern finds on both sides."""

    pattern: str
    visible: Mapping[tuple[str, ...], Path]
    infrared: Mapping[tuple[str, ...], Path]

    @property
    def keys(self) -> list[tuple[str, ...]]:
        return sorted(self.visible.keys() & self.infrared.keys())

    @property
    def alone(self) -> list[Path]:
        both = self.visible.keys() & self.infrared.keys()
        return [path for side in (self.visible, self.infrared) for key, path in side.items() if key not in both]

    def pairs(self) -> list[tuple[Path, Path]]:
        return [(self.visible[key], self.infrared[key]) for key in self.keys]


def _matches(visible: Path, infrared: Path, pattern: str, lenient: bool) -> _Matches:
    """lenient: a pattern that fits several pictures of one key finds nothing, since there are others to try."""
    try:
        return _Matches(pattern, _matching(visible, _pattern(pattern, 0)), _matching(infrared, _pattern(pattern, 1)))
    except CoconetError:
        if not lenient or not (visible.is_dir() and infrared.is_dir()):
            raise
        return _Matches(pattern, {}, {})


def _pattern(text: str, side: int) -> re.Pattern[str]:
    parts = text.split(",")
    if len(parts) != 2 or not all("{}" in part for part in parts) or parts[0].count("{}") != parts[1].count("{}"):
        raise Refused(
            "--pair-by",
            wanted=f"two patterns with the same number of {{}}, visible first, or one of {', '.join(PRESETS)}",
            got=repr(text),
            remedy='For example: --pair-by "FLIR_{}_RGB,FLIR_{}_PreviewData"',
            says=f"must be two patterns with the same number of {{}}, visible first, or one of {', '.join(PRESETS)}, "
            f"not {text!r}",
        )
    return pattern_of(name_key(parts[side].strip()))


def _matching(folder: Path, pattern: re.Pattern[str]) -> dict[tuple[str, ...], Path]:
    """The pictures at any depth whose path fits, keyed by what the pattern captures."""
    check_folder(folder, "a folder of pictures")
    pictures = filter(is_picture, entries_below(folder))
    inside = sorted(path for path in pictures if not is_hidden(path.relative_to(folder)))
    fitting = [(path, pattern.fullmatch(name_key(path.relative_to(folder).as_posix()))) for path in inside]
    keys = {path: match.groups() for path, match in fitting if match}
    return keyed(list(keys), keys.__getitem__)


def _named_from(root: Path, pairs: list[PicturePair]) -> list[PicturePair]:
    """Name pairs so that no two are alike: by the file, and where pairs lie in several folders by these as well."""
    if len({pair.visible.parent for pair in pairs}) == 1:
        return pairs
    named = {"_".join(pair.visible.relative_to(root).parts): pair for pair in pairs}
    if len(named) < len(pairs):
        names = Counter("_".join(pair.visible.relative_to(root).parts) for pair in pairs)
        twice = names.most_common(1)[0][0]
        raise Refused(
            root,
            wanted="folders and files whose names differ",
            got="two pairs of one name",
            remedy="Rename one of the folders.",
            says=f"has two pairs of the same name, {twice}",
        )
    return [PicturePair(name, pair.visible, pair.infrared) for name, pair in named.items()]


def _alone(
    visible: Path, infrared: Path, sides: Sequence[Mapping[str, Path]], alone: Sequence[str], root: Path | None
) -> CoconetError:
    above = "" if root in (None, visible.parent) else "{}/"  # of several places below one folder
    places = ["" if root is None else f"{above}{folder.name}/" for folder in (visible, infrared)]
    names = [[key for key in side if key in alone] for side in sides]
    found = (
        f"{counted(len(alone), 'picture')} without a partner, the first one {_stem(sides, min(names[0] + names[1]))}"
    )
    remedy = "Remove or rename the pictures that stand alone."
    if miss := nearest_pattern(names[0], names[1]):
        found += f"; the nearest to {_stem(sides, miss.visible)} is {_stem(sides, miss.infrared)}"
        fit = "They pair with" if miss.pairs * 2 == len(alone) else f"{counted(miss.pairs, 'pair')} would be found with"
        parts = [place + part for place, part in zip(places, miss.pattern.split(","), strict=True)]
        remedy = f'{fit}: --pair-by "{",".join(parts)}"'
    elif names[0] and (near := get_close_matches(names[0][0], names[1], 1, _NEAR)):
        found += f"; the nearest to {_stem(sides, names[0][0])} is {_stem(sides, near[0])}"
    elif sides[0].keys() & sides[1].keys():
        left_out = f'leave them out: --pair-by "{places[0]}{{}},{places[1]}{{}}"'
        remedy = f"Remove or rename the pictures that stand alone, or {left_out}"
    return Refused(
        f"{visible} and {infrared}",
        wanted="the same file names in both folders",
        got=found,
        remedy=remedy,
        says=f"do not pair: {found}",
    )


def _stem(sides: Sequence[Mapping[str, Path]], key: str) -> str:
    return next(side[key].stem for side in sides if key in side)


def _how_they_pair(root: Path, paths: Sequence[Path]) -> str:
    """The option that pairs the pictures of one folder: a preset, or a pattern; empty if none does."""
    names = [name_key(path.relative_to(root).as_posix()) for path in paths]
    for preset, patterns in PRESETS.items():
        if any(pairs_by(pattern, names, names) for pattern in patterns):
            return f"They pair with: --pair-by {preset}"
    miss = nearest_pattern(names, names)
    return f'{counted(miss.pairs, "pair")} would be found with: --pair-by "{miss.pattern}"' if miss else ""
