"""The tables of a rig file and their keys, as the classes that read it have them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import PydanticUndefined


def rig_tables(name: str, table: type[Any]) -> Iterator[tuple[str, type[Any]]]:
    """Yield a table of the rig file and those inside it, by what stands in their brackets."""
    yield name, table
    for key, kind, _ in keys_of(table):
        for inner in models_in(kind):
            path = f"{name}.{key}" if name else key
            yield from rig_tables(path, inner)


def models_in(kind: Any) -> list[type[Any]]:
    if isinstance(kind, type) and not get_args(kind):
        return [kind] if issubclass(kind, BaseModel) or is_dataclass(kind) else []
    return [model for inner in get_args(kind) for model in models_in(inner)]


def keys_of(table: type[Any]) -> Iterator[tuple[str, Any, str]]:
    """Yield each key of a table, its type, and its default in words."""
    if issubclass(table, BaseModel):
        for name, field in table.model_fields.items():
            default = "needed" if field.is_required() else _value(field.default)
            yield name, field.annotation, default
    else:
        for one in fields(table):
            yield one.name, one.type, "needed" if one.default is MISSING else _value(one.default)


def _value(value: object) -> str:
    inside = isinstance(value, BaseModel) or is_dataclass(value)
    return "" if inside or value in (None, (), PydanticUndefined, MISSING) else f"`{value}`"
