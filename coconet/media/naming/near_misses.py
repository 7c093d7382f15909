"""Near misses: the pattern that would pair names which do not pair as they are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from coconet.media.naming.layouts import INFRARED_NAMES, VISIBLE_NAMES

_TRIED = 3  # names of each side that patterns are made of; the others are named alike or not at all

_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True)
class NearMiss:
    """A pattern as pair_by_name takes it, how many pairs it makes, and the two names that it was made of."""

    pattern: str
    pairs: int
    visible: str
    infrared: str


def nearest_pattern(visible: Sequence[str], infrared: Sequence[str]) -> NearMiss | None:
    """The pattern that pairs most of two lists of names by a number in them; None if it pairs less than half.

    The names are keys of pair_by_name. Two equal lists are those of one folder, in which the names that say nothing of
    their side are taken in their order.
    """
    tried: dict[str, tuple[str, str]] = {}
    for first, second, text in _candidates(visible, infrared):
        tried.setdefault(text, (first, second))
    found = (NearMiss(text, pairs_by(text, visible, infrared), *names) for text, names in tried.items())
    best = max(found, key=lambda one: (one.pairs, "*" not in one.pattern), default=None)
    one_folder = list(visible) == list(infrared)
    most = len(visible) // 2 if one_folder else min(len(visible), len(infrared))
    return best if best is not None and best.pairs * 2 >= max(1, most) else None


def pairs_by(text: str, visible: Sequence[str], infrared: Sequence[str]) -> int:
    """How many pairs a pattern makes of two lists of keys; none if it fits two names of a side alike."""
    keys = []
    for part, names in zip(text.split(","), (visible, infrared), strict=True):
        pattern = pattern_of(part)
        fitting = [match.groups() for match in map(pattern.fullmatch, names) if match]
        keys.append(set(fitting) if len(set(fitting)) == len(fitting) else set())
    return len(keys[0] & keys[1])


def pattern_of(part: str) -> re.Pattern[str]:
    """What `{}` and `*` of one side's pattern stand for, as a regular expression that captures each `{}`."""
    return re.compile(re.escape(part).replace(r"\{\}", "(.+?)").replace(r"\*", ".*"))


def _candidates(visible: Sequence[str], infrared: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Two names that share a number, and the pattern made of them: the other numbers as they are, or any."""
    for first in visible[:_TRIED]:
        for number in sorted(set(_NUMBER.findall(first)), key=len, reverse=True):
            sharing = (name for name in infrared if name != first and number in _NUMBER.findall(name))
            for second in islice(sharing, _TRIED):
                one, other = (first, second) if not _swapped(first, second) else (second, first)
                for rest in (None, "*"):
                    parts = [_template(name, number, rest) for name in (one, other)]
                    if parts[0] != parts[1]:
                        yield one, other, ",".join(parts)


def _template(name: str, number: str, rest: str | None) -> str:
    """A name with `{}` for the last place of a number, and what `rest` says, if anything, for the other numbers."""
    at = [found.start() for found in _NUMBER.finditer(name) if found.group() == number][-1]
    return _NUMBER.sub(lambda found: "{}" if found.start() == at else rest or found.group(), name)


def _swapped(first: str, second: str) -> bool:
    """Whether the first of two names of one folder is the infrared one, as far as their words tell."""
    says = [set(re.findall(r"[a-z]+", name)) for name in (first, second)]
    return bool(says[0] & {*INFRARED_NAMES} or says[1] & {*VISIBLE_NAMES}) and not says[1] & {*INFRARED_NAMES}
