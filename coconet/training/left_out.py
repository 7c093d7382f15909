"""Pairs that training leaves out, by the reason why: a few names of each and how many there are."""

from __future__ import annotations

from coconet.errors import counted

SHOWN = 3
"""Names that stand in a line; of the others it says how many there are."""


class LeftOut:
    """Gathers pairs that are not trained on. reason: the rest of a sentence, such as `smaller than 128 pixels`."""

    def __init__(self) -> None:
        self._names: dict[str, list[str]] = {}

    def add(self, reason: str, name: str) -> None:
        """Leave out one pair."""
        self._names.setdefault(reason, []).append(name)

    def lines(self) -> list[str]:
        """One line a reason."""
        return [_line(reason, names) for reason, names in self._names.items()]


def _line(reason: str, names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"left out, {reason}: {counted(len(names), 'pair')}: {', '.join(names[:SHOWN])}{more}"
