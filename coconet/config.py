"""Files users write (TOML) and other fields from outside, checked against a model; errors name the key."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from coconet.errors import CoconetError, MissingPackage, Refused, nearest
from coconet.files import read_file, whole_file
from coconet.media.naming.mistaken_file import mistaken_file
from coconet.redaction_rules import HIDDEN

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


class Checked(BaseModel):
    """A frozen model that refuses keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


Model = TypeVar("Model", bound=Checked)

_KEY = re.compile(r"[A-Za-z0-9_-]{1,40}")

_WORD = re.compile(r"[a-z0-9 ._+-]{0,16}")  # what stands in a wrong place is shown if it is no more than that

_UNKNOWN_KEY = ("extra_forbidden", "unexpected_keyword_argument")  # pydantic's words, of a model and of a dataclass

_MOST_DOTS = 1000  # the parser takes a time that grows with the square of the parts of a key

_UNSAID = ("this one", "something else", "too much")  # what _got says of a value that it does not quote

_NAMES = ("address", "name", "url", "secret")  # keys whose values may hold a password


def check_fields(model: type[Model], fields: Mapping[str, Any], where: object, *, from_text: bool = False) -> Model:
    """Build `model` from parsed fields. Raises CoconetError that names `where` and the first key that does not fit.

    from_text: the values are those of a text without types; otherwise "3" is no number, and 1 neither true nor false.
    """
    try:
        checked = model.model_validate(fields)
    except CoconetError as error:  # from a validator that builds one of our own dataclasses
        raise error.moved_to(f"{where}, {error.where}") from None
    except ValidationError as error:
        faults = error.errors(include_url=False)  # a key that is misspelt is missing as well, which would be a riddle
        misspelt = (fault for fault in faults if fault["type"] in _UNKNOWN_KEY and _question(model, fault))
        first = next(misspelt, faults[0])
        unknown = first["type"] in _UNKNOWN_KEY and first["input"] == ""  # of an address: it may be a password
        key = ".".join(HIDDEN if unknown or not _KEY.fullmatch(str(part)) else str(part) for part in first["loc"])
        wanted, got = _wanted(model, first), _got(first)
        raise Refused(
            f"{where}, {key}",
            wanted=wanted,
            got=got,
            remedy="Add it." if first["type"] == "missing" else f"{_question(model, first)}Correct or remove this key.",
            says=_fault(first, wanted, got),
        ) from None

    if not from_text:
        for key, value, wanted in _converted(fields, checked):
            got = "a text" if isinstance(value, str) else repr(value)
            remedy = "Correct this key; numbers stand bare."
            raise Refused(f"{where}, {key}", wanted=wanted, got=got, remedy=remedy, says=f"must be {wanted}, not {got}")
    return checked


def _converted(given: object, taken: object, key: str = "") -> Iterator[tuple[str, object, str]]:
    """The keys whose values were taken as of another type than they were given, with the value and what was wanted."""
    if isinstance(given, Mapping):
        for name, value in given.items():
            inner = taken.get(name) if isinstance(taken, Mapping) else getattr(taken, str(name), None)
            yield from _converted(value, inner, f"{key}.{name}" if key else str(name))
    elif isinstance(given, (list, tuple)) and isinstance(taken, (list, tuple)):
        for one, other in zip(given, taken, strict=False):
            yield from _converted(one, other, key)
    elif isinstance(taken, bool) and not isinstance(given, bool):
        yield key, given, "true or false"
    elif isinstance(taken, (int, float)) and isinstance(given, (str, bool)) and not isinstance(taken, bool):
        yield key, given, "a number"


def _wanted(model: type[BaseModel], error: ErrorDetails) -> str:
    if error["type"] in _UNKNOWN_KEY:
        return f"one of the keys {', '.join(_known_keys(model, error))}"
    return fitting(error)


def fitting(error: ErrorDetails) -> str:
    """What would have fitted, in our words; in pydantic's own for what they do not cover."""
    if bound := _BOUNDS.get(error["type"]):
        return bound.format(**{name: _number(limit) for name, limit in error.get("ctx", {}).items()})
    words = error["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    return _KINDS.get(error["type"]) or words.partition(", unable to parse")[0]


_BOUNDS = {
    "greater_than_equal": "{ge} or more",
    "greater_than": "more than {gt}",
    "less_than_equal": "{le} or less",
    "less_than": "less than {lt}",
}
"""The limits of a number by pydantic's word for what goes beyond them."""

_KINDS = {
    "missing": "this key",
    "path_type": "a path",
    "finite_number": "a finite number",
    **dict.fromkeys(("int_parsing", "int_from_float", "int_type"), "a whole number"),
    **dict.fromkeys(("float_parsing", "float_type"), "a number"),
    **dict.fromkeys(("bool_parsing", "bool_type"), "true or false"),
    "string_type": "a text",
    **dict.fromkeys(("list_type", "tuple_type"), "a list"),
    **dict.fromkeys(("dict_type", "model_type", "dataclass_type"), "a table"),
}
"""What was expected by pydantic's word for what is something else."""


def _number(limit: object) -> str:
    return f"{limit:.15g}" if isinstance(limit, float) else str(limit)


def _fault(error: ErrorDetails, wanted: str, got: str) -> str:
    """Say what is wrong with a key, as CoconetError takes it."""
    if error["type"] == "missing":
        return "is missing"
    if error["type"] in _UNKNOWN_KEY:
        return f"is not a known key here; known are {wanted.removeprefix('one of the keys ')}"
    if found := re.match(r"\w+ should (have|match) (.*?)( after validation.*)?$", error["msg"]):  # of lists and texts
        return f"must {found[1]} {found[2]}"
    if not error["msg"].startswith("Input "):
        return f"does not fit: {wanted[:1].lower()}{wanted[1:]}"
    return f"must be {wanted}" if got in _UNSAID else f"must be {wanted}, not {got}"


def _question(model: type[BaseModel], error: ErrorDetails) -> str:
    """Ask about the key or the word that a misspelt one resembles; empty if there is none."""
    if error["type"] in _UNKNOWN_KEY:
        return nearest(str(error["loc"][-1]), _known_keys(model, error))
    if error["type"] == "literal_error" and isinstance(error["input"], str):
        return nearest(error["input"], re.findall("'([^']+)'", error["msg"]))
    return ""


def _known_keys(model: type[BaseModel], error: ErrorDetails) -> Iterable[str]:
    """The keys of the table in which one is not known."""
    table: type[Any] = model
    for part in error["loc"][:-1]:
        known = table.model_fields.get(str(part)) if issubclass(table, BaseModel) else None
        # None: a place in a list, or which of several forms was tried
        table = (None if known is None else _table_in(known.annotation)) or table
    return _keys_of(table)


def _table_in(annotation: Any) -> type[Any] | None:
    """The table that a key holds, a model or a dataclass: alone, in a list, or beside other forms."""
    if isinstance(annotation, type) and not get_args(annotation):
        return annotation if issubclass(annotation, BaseModel) or is_dataclass(annotation) else None
    return next((found for inner in get_args(annotation) if (found := _table_in(inner)) is not None), None)


def _keys_of(table: type[Any]) -> Iterable[str]:
    return table.model_fields if issubclass(table, BaseModel) else (field.name for field in fields(table))


def _got(error: ErrorDetails) -> str:
    """Quote the value where it cannot hold a password: numbers and short words, and none of a camera's address."""
    if error["type"] == "missing":
        return "nothing"
    value = error["input"]
    if error["type"] in _UNKNOWN_KEY or any(part in _NAMES for part in error["loc"]):
        return "this one"
    if isinstance(value, str):
        return repr(value) if _WORD.fullmatch(value) else "another text"
    try:
        return _shortened(repr(value)) if _is_numbers(value) else "something else"
    except (ValueError, RecursionError):  # an integer of thousands of digits, lists in lists without end
        return "too much"


def _is_numbers(value: object) -> bool:
    if isinstance(value, (list, tuple)):
        return all(map(_is_numbers, value))
    return value is None or isinstance(value, (bool, int, float))


def _shortened(text: str) -> str:
    return text if len(text) <= 120 else f"{text[:60]}... ({len(text)} characters)"


def read_toml(path: Path, kind: str, if_empty: str = "") -> dict[str, Any]:
    """Read the fields of a file; `kind` says what it should be, as `a rig file`.

    if_empty: what to do about a file without keys, if there has to be one.
    Raises CoconetError for a missing file, for one that is no TOML, and for one without keys that has to have some.
    """
    data = read_file(path, kind)
    try:
        text = data.decode("utf-8-sig")  # some editors begin a file with a byte order mark
    except UnicodeDecodeError as error:
        found = mistaken_file(path, "text")
        if found is not None:
            says = f"is {found[0]}; expected {kind}"
            raise Refused(path, wanted=kind, got=found[0], remedy=found[1], says=says) from None
        raise _no_toml(path, f"byte {error.start} that is no UTF-8") from None
    found_fields = toml_fields(text, path)
    if if_empty and not found_fields:
        says = f"has no keys; expected {kind}"
        raise Refused(path, wanted=kind, got="a file without keys", remedy=if_empty, says=says)
    return found_fields


def toml_fields(text: str, where: object) -> dict[str, Any]:
    """Read the fields of a text; `where` names it in errors. Raises CoconetError for one that is no TOML."""
    if any(line.count(".") > _MOST_DOTS for line in text.splitlines()):
        raise _no_toml(where, f"a line with more than {_MOST_DOTS} dots")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _no_toml(where, re.sub(r"""\(?['"].*\w.*['"],?\)?""", HIDDEN, str(error))) from None  # it quotes keys
    except (ValueError, RecursionError):  # a number of thousands of digits, or thousands of brackets
        raise _no_toml(where, "a number or brackets without end") from None


def _no_toml(where: object, got: str) -> CoconetError:
    return Refused(where, wanted="a TOML file", got=got, remedy="Correct the line.", says=f"is not valid TOML: {got}")


def write_toml(path: Path, fields: Mapping[str, Any]) -> None:
    """Write plain fields: text, numbers, truth values, and lists and tables of them."""
    try:
        import tomli_w
    except ImportError as error:
        raise MissingPackage("tomli_w", job="writing TOML", extra="train") from error
    with whole_file(path) as scratch:
        scratch.write_text(tomli_w.dumps(fields), encoding="utf-8")
