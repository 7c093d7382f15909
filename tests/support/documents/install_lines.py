"""The lines of documents, Dockerfiles and the Makefile that pip is to follow, and what each of them asks for."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[3]

DOCUMENTS = ("*.md", "docs/*.md", "docs/docker/*.Dockerfile", "Makefile", ".ci/run")

_LINE = re.compile(r"pip (install|uninstall) ([^`#&\n;]*)")

_END = re.compile(r"(?<=\S)[).,]+$")
"""What ends the sentence around a line; a dot by itself is the checkout."""

_OURS = re.compile(r"(?:\.|/src|coconet-edge)(?:\[([\w,-]+)\])?")
"""A checkout where it lies, where a Dockerfile puts it, or our name on an index."""


@dataclass(frozen=True)
class InstallLine:
    """One call of pip. place: document and line number. extras: ours that it names; None if it is not about us.

    others: what it names besides. removes: whether it takes away.
    """

    place: str
    words: str
    extras: tuple[str, ...] | None
    others: tuple[str, ...] = ()
    removes: bool = False
    by_name: bool = False

    def requirements(self) -> tuple[str, ...]:
        """What pip is asked for in the end: our base and extras spelt out, and the rest."""
        packages = packages_of_setup()
        ours = () if self.extras is None else (*packages[""], *(one for name in self.extras for one in packages[name]))
        return tuple(dict.fromkeys((*ours, *self.others)))

    def names(self) -> set[str]:
        """The names of all that it asks for by itself, as pip compares them."""
        return {canonicalize_name(Requirement(one).name) for one in self.requirements()}


_READ_SETUP = """
import json, runpy, setuptools
setuptools.setup = lambda **_: None
names = runpy.run_path("setup.py")
print(json.dumps({"": names["BASE"], **names["EXTRAS"]}))
"""


@cache
def packages_of_setup() -> dict[str, tuple[str, ...]]:
    """What setup.py asks for: the base under an empty name, and each extra under its own.

    It runs in another process, as setuptools puts its own distutils in the place of one that is in use.
    """
    run = subprocess.run([sys.executable, "-c", _READ_SETUP], cwd=ROOT, capture_output=True, text=True, check=True)
    return {extra: tuple(packages) for extra, packages in json.loads(run.stdout).items()}


def asked_for() -> dict[str, tuple[str, ...]]:
    """Everything that anybody is told to install: the base, each extra by itself, and each different line."""
    packages = packages_of_setup()
    found = {f"`{extra}`" if extra else "the base": asked for extra, asked in packages.items()}
    known = {*found.values()}
    for line in install_lines():
        if not line.removes and line.requirements() not in {*known, ()}:
            known.add(line.requirements())
            found[f"`{line.words}`"] = line.requirements()
    return found


def install_lines() -> list[InstallLine]:
    """Every line of DOCUMENTS that calls pip and names what, in their order."""
    paths = [path for pattern in DOCUMENTS for path in sorted(ROOT.glob(pattern))]
    return [line for path in paths for line in _lines_of(path)]


def _lines_of(path: Path) -> Iterator[InstallLine]:
    for number, text in enumerate(path.read_text().replace("\\\n", "  ").splitlines(), 1):
        for order, rest in _LINE.findall(text):
            if "$" not in rest and rest.strip():
                yield _parsed(f"{path.relative_to(ROOT)}:{number}", order == "uninstall", rest)


def _parsed(place: str, removes: bool, rest: str) -> InstallLine:
    told = _END.sub("", rest.strip())
    words = [word for word in shlex.split(told) if not word.startswith("-")]
    ours = [found for word in words if (found := _OURS.fullmatch(word))]
    extras = tuple(name for found in ours for name in (found[1] or "").split(",") if name) if ours else None
    others = tuple(word for word in words if not _OURS.fullmatch(word) and word not in ("pip", "uv"))
    by_name = any(found[0].startswith("coconet") for found in ours)
    return InstallLine(place, " ".join(shlex.quote(word) for word in words), extras, others, removes, by_name)
