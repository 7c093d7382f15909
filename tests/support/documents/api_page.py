"""The page of the Python API, made from what `import coconet` offers."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from functools import cached_property
from typing import Any

import coconet
from tests.support.documents.markdown import page_of, plain, table_lines

ELSEWHERE = {
    "Rig": "Its keys are those of [a rig file](rig-keys.md).",
    "ExitCode": "What a command ends with, an IntEnum: [exit codes](exit-codes.md) says what each of them means.",
}
"""Names whose fields have a page of their own."""

_FIELD = re.compile(r"(?<!\n)\n(?=[\w.]+(?:, [\w.]+)*: |Raises |Warns )")
"""Where a line of a docstring begins that says what an argument is, or what it raises."""

_QUOTED_TYPE = re.compile(r"(?<=[:>] )'([^']*)'")
"""A type as a signature shows it."""

_WIDTH = 76
"""A longer signature has a line for each argument."""


def public_names() -> list[str]:
    """Every name that `import coconet` offers, functions first."""
    names = [name for name in dir(coconet) if not name.startswith("_")]
    return sorted(names, key=lambda name: (inspect.isclass(getattr(coconet, name)), name.lower()))


def api_page() -> str:
    """Return every public name with its signature and what it says of itself."""
    offered = {name: getattr(coconet, name) for name in public_names()}
    kinds = {
        "Functions": [name for name, one in offered.items() if not inspect.isclass(one)],
        "What they take and give": [name for name, one in offered.items() if inspect.isclass(one) and not _fails(one)],
        "Errors": [name for name, one in offered.items() if _fails(one)],
    }
    lines = ["# Python API", "", "What `help(coconet)` says. [From Python](../python.md) has an example of each."]
    for kind, names in kinds.items():
        lines += ["", f"## {kind}"]
        for name in names:
            lines += _entry(name, offered[name])
    return page_of(lines)


def _fails(one: object) -> bool:
    return inspect.isclass(one) and (issubclass(one, Exception) or one is coconet.ExitCode)


def _entry(name: str, one: Any) -> Iterator[str]:
    yield from ("", f"### coconet.{name}", "")
    if not inspect.isclass(one) or (_fails(one) and name not in ELSEWHERE):
        yield from ("```python", signature_of(name, one), "```", "")
    if name != "ExitCode":
        yield _described(one)
    if name in ELSEWHERE:
        yield from ("", ELSEWHERE[name])
    elif is_dataclass(one):
        rows = [(f"`{field.name}`", f"`{field.type}`", _default(field)) for field in fields(one)]
        yield from ("", *table_lines(("field", "type", "default"), rows))
    if name != "ExitCode":
        yield from _members(name, one)


def _members(name: str, one: Any) -> Iterator[str]:
    """Yield the calls and properties of a class, a point for each."""
    yield ""
    for word, member in vars(one).items() if inspect.isclass(one) else ():
        call = getattr(member, "__func__", member)
        if word.startswith("_") and (word, name) != ("__call__", "FusionModel"):
            continue
        if inspect.isfunction(call):
            title = signature_of("" if word == "__call__" else word, call)
        elif isinstance(member, (property, cached_property)):
            title = word
        else:
            continue
        yield f"- `{' '.join(title.split())}`  \n    {_described(member).replace(chr(10), chr(10) + '    ')}"


def signature_of(name: str, call: Any) -> str:
    """How it is called, without `self`, with a line for each argument if it is long."""
    signature = inspect.signature(call)
    kept = [one for one in signature.parameters.values() if one.name not in ("self", "cls")]
    result = inspect.Signature.empty if inspect.isclass(call) else signature.return_annotation
    text = str(signature.replace(parameters=kept, return_annotation=result))
    line = name + _QUOTED_TYPE.sub(r"\1", text)
    if len(line) <= _WIDTH:
        return line
    words = [_QUOTED_TYPE.sub(r"\1", str(one)) for one in kept]
    named = next((number for number, one in enumerate(kept) if one.kind is one.KEYWORD_ONLY), None)
    if named is not None:
        words.insert(named, "*")
    after = line[line.rindex(")") :]
    return "\n".join([f"{name}(", *(f"    {word}," for word in words), after])


def _described(one: Any) -> str:
    return _FIELD.sub("  \n", plain(inspect.getdoc(one) or ""))


def _default(field: Any) -> str:
    return "needed" if field.default is MISSING and field.default_factory is MISSING else _value(field.default)


def _value(value: object) -> str:
    return "" if value is MISSING or is_dataclass(value) else f"`{value!r}`"
