"""Where coconet-edge was installed from, which is what pip has to be given again to add an extra to it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

DISTRIBUTION = "coconet-edge"

PACKAGE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Origin:
    """What pip took coconet-edge from.

    place: a folder, a wheel or the name on an index; what follows the extras of a repository is in `address`.
    editable: whether the folder itself is what runs.
    """

    place: str = DISTRIBUTION
    address: str = ""
    editable: bool = False

    def words(self, *extras: str) -> tuple[str, ...]:
        """What follows `pip install` to have these extras too, not yet quoted for a shell."""
        behind = f" @ {self.address}" if self.address else ""
        requirement = f"{self.place}[{','.join(extras)}]{behind}" if extras else f"{self.place}{behind}"
        return ("-e", requirement) if self.editable else (requirement,)


def read_origin(package: Path = PACKAGE, direct_url: str | None = None) -> Origin | None:
    """Find out where this installation came from; None if that is gone, so that pip could not be given it again.

    package: the folder `coconet` that runs. direct_url: the text of pip's record (PEP 610), else this installation's.
    """
    told = _recorded() if direct_url is None else direct_url
    with suppress(ValueError):
        record = json.loads(told)
        if isinstance(record, dict) and isinstance(record.get("url"), str):
            return _from_record(record)
    if (package.parent / "setup.py").is_file():
        return Origin(str(package.parent), editable=True)
    return Origin()


def _recorded() -> str:
    with suppress(PackageNotFoundError):
        return distribution(DISTRIBUTION).read_text("direct_url.json") or ""
    return ""


def _from_record(record: Mapping[str, Any]) -> Origin | None:
    parts = urlsplit(record["url"])
    if "vcs_info" in record:
        vcs = record["vcs_info"]
        revision = vcs.get("requested_revision") or vcs.get("commit_id")
        where = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
        return Origin(address=f"{vcs.get('vcs', 'git')}+{where}{f'@{revision}' if revision else ''}")
    if parts.scheme != "file":
        return Origin(address=record["url"])
    from urllib.request import url2pathname  # brings HTTP and TLS, which nobody needs who only asks for a remedy

    path = url2pathname(parts.path)
    editable = bool(record.get("dir_info", {}).get("editable"))
    return Origin(path, editable=editable) if Path(path).exists() else None
