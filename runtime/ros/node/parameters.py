"""Live settings of a rig as parameters of ROS: infrared.contrast, visible.offset_ms and so on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Settings = Mapping[str, Mapping[str, Any]]


def parameters_of(settings: Settings) -> dict[str, Any]:
    """Tables and keys as parameters, of those whose values ROS has a type for: numbers, words and lists of numbers."""
    found = {f"{table}.{key}": value for table, keys in settings.items() for key, value in keys.items()}
    flat = {name: [float(one) for one in value] if _is_numbers(value) else value for name, value in found.items()}
    return {name: value for name, value in flat.items() if isinstance(value, (bool, int, float, str)) or _fits(value)}


def changes_of(parameters: Iterable[tuple[str, Any]], known: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What parameters that were set change, as AdjustableRig takes it; others than the known ones change nothing."""
    changes: dict[str, dict[str, Any]] = {}
    for name, value in parameters:
        if name in known:
            table, _, key = name.partition(".")
            changes.setdefault(table, {})[key] = value if isinstance(value, (bool, int, float, str)) else list(value)
    return changes


def _is_numbers(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and bool(value) and all(isinstance(one, (int, float)) for one in value)


def _fits(value: Any) -> bool:
    return isinstance(value, list) and _is_numbers(value)
