"""A finding: one line of `coconet doctor`, red ones with the command that fixes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from coconet.errors import CoconetError

State = Literal["ok", "note", "bad"]
"""`ok` works, `note` is worth knowing or missing without harm, `bad` keeps something from running."""


@dataclass(frozen=True)
class Finding:
    """What was looked at, how it is, and what was found. remedy: the command that fixes it, on every `bad` line."""

    subject: str
    state: State
    found: str
    remedy: str = ""

    def __post_init__(self) -> None:
        if self.state == "bad" and not self.remedy:
            raise CoconetError(
                self.subject,
                wanted="a remedy for what is bad",
                got="none",
                remedy="Name a command.",
                says="is bad, and no remedy says what to do",
            )
