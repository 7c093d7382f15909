"""Signatures: an argument is one kind of thing, so that no function has to find out which kind it was given."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("coconet", "runtime", "export", "calibration", "benchmarks")
FILES = sorted(path for part in PARTS for path in (ROOT / part).rglob("*.py"))
PLAIN = {"None", "str", "Path", "Sequence", "Iterator", "NDArray"}
"""What an argument may be one of: a path or its text, an array or any sequence of numbers, and nothing."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(source: str) -> Iterator[Function]:
    return (node for node in ast.walk(ast.parse(source)) if isinstance(node, Function))


def unions(function: Function) -> dict[str, set[str]]:
    """The arguments that may be of several types, with the names of those types."""
    found = {}
    for argument in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs):
        types = set(members(argument.annotation))
        if len(types - {"None"}) > 1:
            found[argument.arg] = types
    return found


def members(annotation: ast.expr | None) -> Iterator[str]:
    """The types of a union, without what stands in brackets."""
    if isinstance(annotation, ast.BinOp):
        yield from members(annotation.left)
        yield from members(annotation.right)
    elif isinstance(annotation, ast.Subscript):
        yield from members(annotation.value)
    elif annotation is not None:
        yield ast.unparse(annotation)


def told_apart(source: str) -> list[str]:
    """The functions that ask isinstance of an argument that may be of several types."""
    return [
        f"{function.name}({name})"
        for function in functions(source)
        for name in unions(function)
        for node in ast.walk(function)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == "isinstance"
        and any(isinstance(part, ast.Name) and part.id == name for part in ast.walk(node.args[0]))
    ]


def mixed(source: str) -> list[str]:
    """The public functions with an argument that is a class of some library or ours, or something else."""
    return [
        f"{function.name}({name})"
        for function in functions(source)
        if not function.name.startswith("_")
        for name, types in unions(function).items()
        if not types <= PLAIN
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_argument_is_a_union_that_a_function_tells_apart(path: Path) -> None:
    source = path.read_text()
    assert not told_apart(source)
    assert not mixed(source)


def test_such_an_argument_would_be_found() -> None:
    source = "def run(rig: Rig | Tuned, model: Path | str | None) -> None:\n    return isinstance(rig, Tuned)\n"
    assert told_apart(source) == mixed(source) == ["run(rig)"]
    assert told_apart(source.replace("rig,", "model,")) == ["run(model)"]
