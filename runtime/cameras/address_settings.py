"""The settings behind the question mark of an address: `synthetic://?fps=25&seed=7`."""

from __future__ import annotations

from collections import Counter
from typing import TypeVar
from urllib.parse import parse_qsl

from coconet.config import Checked, check_fields
from coconet.errors import Refused
from coconet.redaction import redact

Settings = TypeVar("Settings", bound=Checked)


def address_settings(address: str, model: type[Settings]) -> Settings:
    """Read KEY=VALUE&KEY=VALUE behind the first question mark; without one all settings keep their defaults.

    Raises Refused for a key that `model` does not have, a value that does not fit, and a key that is there twice.
    """
    pairs = parse_qsl(address.partition("?")[2], keep_blank_values=True)
    for key, times in Counter(key for key, _ in pairs).items():
        if times > 1 and key in model.model_fields:  # what is no key may be a password, and is refused below
            raise Refused(
                f"{redact(address)}, {key}",
                wanted="each key once",
                got="the same key twice",
                remedy="Leave one of them out.",
                says=f"is given {times} times",
            )
    return check_fields(model, dict(pairs), redact(address), from_text=True)
