"""A checkout: finds the parts beside `coconet/` under their import names when Python runs in it without an install."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType

PARTS = ("runtime", "export", "calibration", "benchmarks")


class SiblingFinder:
    """Finds `coconet.runtime` in the folder `runtime/`, and so on; of sys.meta_path. Finds nothing else.

    An installed package holds its parts. But Python, started in a checkout, takes the folder `coconet/` that lies
    there, whatever is installed. This finder is asked first, because that of an editable install knows the parts of the
    checkout that was installed, which may be another one.
    """

    def __init__(self, checkout: Path) -> None:
        self._folders = {f"coconet.{part}": checkout / part for part in PARTS}

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Describe where a part is to be loaded from; None for every other module."""
        folder = self._folders.get(name)
        if folder is None:
            return None
        return spec_from_file_location(name, folder / "__init__.py", submodule_search_locations=[str(folder)])


def find_parts(package: Path) -> None:
    """Let the parts be imported if the folder `package`, which is that of coconet, lies in a checkout without them."""
    checkout = package.parent
    inside = any((package / part).exists() for part in PARTS)
    beside = all((checkout / part / "__init__.py").is_file() for part in PARTS)
    if beside and not inside and (checkout / "setup.py").is_file():
        sys.meta_path.insert(0, SiblingFinder(checkout))
