"""A bag: its topics, and the messages of one of them in the order they were recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from coconet.errors import CoconetError, counted, first_line
from coconet.runtime.ros.messages import COMPRESSED, IMAGE

IMAGES = (IMAGE, COMPRESSED)
"""Types of messages that are pictures."""

_NOT_COPIED = "Copy it again; coconet run and batch take what is whole with --on-error skip."


@dataclass(frozen=True)
class Topic:
    """A topic of a bag. type: as ROS 2 calls it. count: its messages, None if the bag does not say."""

    name: str
    type: str
    count: int | None = None

    @property
    def is_image(self) -> bool:
        """Whether its messages are pictures."""
        return self.type in IMAGES


class CutOff(CoconetError):
    """A bag whose end is missing."""

    def __init__(self, path: Path, count: int, topic: str) -> None:
        says = f"ends in the middle, after {counted(count, 'message')} of {topic}"
        remedy = _NOT_COPIED.replace("whole.", "there.")
        super().__init__(path, wanted="a whole bag", got=f"one that {says}", remedy=remedy, says=says)


AtDamage = Callable[[CoconetError], None]
"""Takes the error for a part that cannot be read: raises it, or counts what is left out."""


class Bag(Protocol):
    """An open bag."""

    @property
    def topics(self) -> Sequence[Topic]:
        """Its topics; of one that was cut off those that its first part has."""

    def messages(self, topic: str, at_damage: AtDamage) -> Iterator[tuple[int, Any]]:
        """The messages of a topic, each with the time it was recorded at in nanoseconds.

        at_damage: called where the bag is damaged, or ends too early (CutOff); what comes after that, if the bag can be
        read on, comes once it has returned.
        """

    def close(self) -> None:
        """Close the file; a second call does nothing."""


@contextmanager
def reading_bag(path: Path, part: str, remedy: str = _NOT_COPIED) -> Iterator[None]:
    """Turn whatever a library raises at the bytes of a bag into a CoconetError about it.

    part: what is read, as `the index`. remedy: what to do, if leaving the part out is no help. Damaged bytes become
    errors of every kind: of the libraries' own, of lookups, of memory that was asked for.
    """
    try:
        yield
    except CoconetError:
        raise
    except Exception as error:
        raise damaged(path, part, error, remedy) from error


def damaged(path: Path, part: str, error: Exception, remedy: str = _NOT_COPIED) -> CoconetError:
    """The error about a part of a bag for what a library raised at its bytes: a user does not know the library's words.

    They stay in `got`, for who looks for the fault.
    """
    says = f"is damaged: {part} cannot be read"
    return CoconetError(path, wanted="a whole bag", got=first_line(error).rstrip("."), remedy=remedy, says=says)
