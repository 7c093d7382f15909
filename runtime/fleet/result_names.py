"""Names of results: folders below the root of a batch, none of which is where another result is written."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import PurePosixPath

from coconet.errors import Refused
from coconet.runtime.fleet.job import LOCK, PICTURES, REPORT_HTML, REPORT_JSON, VIDEO, Job
from coconet.runtime.fleet.manifest import MANIFEST, MARK
from coconet.runtime.fleet.samples import is_picture_name

_OF_THE_ROOT = frozenset({REPORT_JSON, REPORT_HTML, LOCK})


def is_of_a_result(name: str) -> bool:
    """Whether a result writes a file or a folder of this name into its folder."""
    return name in (VIDEO, PICTURES, MANIFEST, MARK) or is_picture_name(name)


def result_name(text: str, where: str) -> str:
    """The name of a result as a path below the root, spelled in one way: `a//b/` and `./a/b` are `a/b`.

    Raises Refused, about `where`, for a name that is not below the root.
    """
    path = PurePosixPath(text)
    if not _may_be_a_path(text):
        says, remedy = f"names no folder: {text!r}", "Name a folder below --out."
        raise Refused(where, wanted="a name of a folder", got=repr(text), remedy=remedy, says=says)
    if path.is_absolute() or ".." in path.parts or "://" in text:
        raise Refused(
            where,
            wanted="a name below --out",
            got=repr(text),
            remedy="Name a folder below --out.",
            says=f"names a place outside --out: {text!r}",
        )
    return path.as_posix()


def _may_be_a_path(text: str) -> bool:
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:  # half a character
        return False


def check_names(jobs: Iterable[Job], where: object) -> None:
    """Raise Refused, about `where`, for two results of one name, and for one that lies where another is written."""
    names = set[str]()
    for job in jobs:
        if job.name in names:
            says, remedy = f"has two results of the name {job.name}", "Give each a name of its own: out."
            raise Refused(where, wanted="a name for each result", got=f"{job.name} twice", remedy=remedy, says=says)
        names.add(job.name)
    for name in names:
        parts = PurePosixPath(name).parts
        for depth, part in enumerate(parts):
            above = "/".join(parts[:depth]) or "."
            if (not depth and part in _OF_THE_ROOT) or (above in names and is_of_a_result(part)):
                whose = "the report" if not depth and part in _OF_THE_ROOT else f"the result {above}"
                says = f"has a result of the name {name}, where {whose} is written"
                raise Refused(where, wanted="a free place", got=name, remedy="Give it another name: out.", says=says)
