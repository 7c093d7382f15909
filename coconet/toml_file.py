"""TOML files: read into plain fields, written whole."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from coconet.errors import CoconetError, MissingPackage
from coconet.files import existing_file, whole_file

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def read_toml(path: Path, kind: str) -> dict[str, Any]:
    """Read the fields of a file; `kind` says what it should be, as `a rig file`.

    Raises CoconetError for a missing file and for one that is no TOML.
    """
    data = existing_file(path, kind).read_bytes()
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise _no_toml(path, error) from error
    return toml_fields(text, path)


def toml_fields(text: str, where: object) -> dict[str, Any]:
    """Read the fields of a text; `where` names it in errors. Raises CoconetError for one that is no TOML."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _no_toml(where, error) from error


def _no_toml(where: object, error: Exception) -> CoconetError:
    return CoconetError(where, wanted="a TOML file", got=str(error), remedy="Correct the line.")


def write_toml(path: Path, fields: Mapping[str, Any]) -> None:
    """Write plain fields: text, numbers, truth values, and lists and tables of them."""
    try:
        import tomli_w
    except ImportError as error:
        raise MissingPackage("tomli_w", job="writing TOML", extra="train") from error
    with whole_file(path) as scratch:
        scratch.write_text(tomli_w.dumps(fields), encoding="utf-8")
