"""What our modules import when they are imported, other packages included, found out without importing anything."""

from __future__ import annotations

import ast
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

PARTS = ("coconet", "runtime", "export", "calibration", "benchmarks")


def _name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    parts = parts if parts[0] == "coconet" else ("coconet", *parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {_name(path): path for part in PARTS for path in sorted((ROOT / part).rglob("*.py"))}


def packages_behind(module: str) -> set[str]:
    """The foreign packages that are imported once a module of ours is called, by their import names.

    What the module itself imports inside its functions counts, and of what stands behind that only what is imported at
    once: behind a function of another module lie choices.
    """
    waiting, seen, foreign = [*_imported(FILES[module], inside=True)], {module}, set[str]()
    while waiting:
        name = waiting.pop()
        if name in FILES and name not in seen:
            seen.add(name)
            waiting += _imported(FILES[name], inside=False)
        elif name not in FILES and name.partition(".")[0] not in {*sys.stdlib_module_names, "coconet"}:
            foreign.add(name.partition(".")[0])
    return foreign


@cache
def _imported(path: Path, *, inside: bool) -> frozenset[str]:
    """The modules that a file imports, at its top and in its guards against missing packages; inside: anywhere."""
    tree = ast.parse(path.read_text())
    guards = [node for block in tree.body if isinstance(block, ast.Try) for node in ast.walk(block)]
    found: set[str] = set()
    for node in ast.walk(tree) if inside else [*tree.body, *guards]:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names} & FILES.keys() or {node.module}
    return frozenset(found)
