"""The text of rig files: one table exchanged and the rest left as it is, and the rig file of a recording."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_OF_CAMERAS = ("address", "fps", "size_px", "layout")  # what names a camera, and means nothing to a recording of it


def with_table(text: str, table: str, fields: Mapping[str, Any]) -> str:
    """Return a TOML text in which `[table]` holds these fields; all other lines, comments too, stay as they are."""
    found = re.search(rf"^\[{re.escape(table)}\][^\n]*\n(?:(?!\[)[^\n]*\n?)*", text, re.MULTILINE)
    if found is None:
        return f"{text.rstrip()}\n\n{_table(table, fields)}"
    rest = text[found.end() :]
    return text[: found.start()] + _table(table, fields) + ("\n" if rest else "") + rest


def replayed_rig(fields: Mapping[str, Any]) -> str:
    """Write the rig file of a recording, from the fields of the rig that was recorded."""
    tables: dict[str, Any] = {name: value for name, value in fields.items() if isinstance(value, Mapping)}
    for side in ("visible", "infrared"):
        kept = {key: value for key, value in tables[side].items() if key not in _OF_CAMERAS}
        tables[side] = {"address": f"{side}.mkv", **kept}
    return "\n".join(_table(name, value) for name, value in tables.items())


def _table(name: str, fields: Mapping[str, Any]) -> str:
    return "\n".join([f"[{name}]", *(f"{key} = {_value(value)}" for key, value in fields.items()), ""])


def _value(value: Any) -> str:
    """TOML of what rig files hold: text, numbers, truth values and lists of them are written as JSON writes them."""
    return json.dumps(value)
