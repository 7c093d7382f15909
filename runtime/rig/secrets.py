"""Secrets that rig files refer to: in environment variables, or in files that only their owner may read."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from coconet.errors import Refused
from coconet.redaction import redact

REFERENCE = re.compile(r"\$\{(file:)?([^{}]*)\}")

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

_LONGEST = 4096  # bytes of a secret's file


def fill_in(address: str, environment: Mapping[str, str] = os.environ) -> str:
    """Put secrets into an address: `${NAME}` is an environment variable, `${file:PATH}` the first line of a file.

    They are percent-encoded, as addresses want them; in a GStreamer pipeline they stand as they are, within a property.
    Raises Refused for a variable that is not set, and for a file that is missing or that others may read.
    """
    plain = address.lower().startswith("gst://")

    def secret(found: re.Match[str]) -> str:
        value = _from_file(Path(found[2])) if found[1] else _from_variable(found[2], environment)
        if not plain:
            return quote(value, safe="")
        if re.search(r"""[\s"'!\\]""", value):
            wanted = "a secret without spaces, quotes, ! and backslash"
            says = "takes a secret without spaces, quotes, ! and backslash, and this one has some"
            raise _refused(redact(address), wanted, "another one", says)
        return value

    return REFERENCE.sub(secret, address) if "://" in address else address


def fill_in_plain(text: str, environment: Mapping[str, str] = os.environ) -> str:
    """Put secrets, as fill_in has them, into a text that is no address: they stand in it as they are."""

    def secret(found: re.Match[str]) -> str:
        return _from_file(Path(found[2])) if found[1] else _from_variable(found[2], environment)

    return REFERENCE.sub(secret, text)


def beside(folder: Path, address: str) -> str:
    """Return an address whose `${file:PATH}` are relative to a folder, as one that is relative to nothing."""

    def placed(found: re.Match[str]) -> str:
        return f"${{file:{folder / found[2]}}}" if found[1] else found[0]

    return REFERENCE.sub(placed, address)


def secret_files(address: str) -> tuple[Path, ...]:
    """The files that an address has its secrets in."""
    return tuple(Path(found[2]) for found in REFERENCE.finditer(address) if found[1])


def write_secret(path: Path, value: str) -> None:
    """Write a secret to a new file that only its owner may read. Raises Refused if the file cannot be made."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        got = error.strerror or "none"
        raise _refused(path, "a place for a new file", got, f"cannot be written: {error.strerror or error}") from None
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(value + "\n")


def _from_variable(name: str, environment: Mapping[str, str]) -> str:
    if not _VARIABLE.fullmatch(name):
        wanted, says = (
            "the name of an environment variable in ${...}",
            "has a ${...} that names no environment variable",
        )
        raise _refused("rig file", wanted, "something else", says)
    if not environment.get(name):
        raise Refused(
            f"environment variable {name}",
            wanted="a secret",
            got="none",
            remedy=f"Set it: read -rs {name} && export {name}",
            says="is not set, and a secret is to be taken from it",
        )
    return environment[name]


def _from_file(path: Path) -> str:
    try:
        mode = path.stat().st_mode
        if os.name != "nt" and stat.S_IMODE(mode) & 0o077:
            raise Refused(
                path,
                wanted="a secret that only its owner may read",
                got=f"a file of mode {stat.S_IMODE(mode):o}",
                remedy="Run chmod 600 on it.",
                says=f"can be read by others than its owner (its mode is {stat.S_IMODE(mode):o})",
            )
        with path.open("rb") as file:
            lines = file.read(_LONGEST).decode().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        got = getattr(error, "strerror", None) or "it is not text"
        raise _refused(
            path, "a file with a secret on its first line", got, f"cannot be read as a secret: {got}"
        ) from None
    if not lines or not lines[0]:
        raise _refused(
            path, "a file with a secret on its first line", "an empty one", "has no secret on its first line"
        )
    return lines[0]


def _refused(where: object, wanted: str, got: str, says: str) -> Refused:
    return Refused(
        where, wanted=wanted, got=got, remedy="Correct the address in the rig file, or what it names.", says=says
    )
