"""The folder in which this machine keeps what it has built or measured once: engines, timings, picks."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

FOLDER_VARIABLE = "COCONET_CACHE"


def default_cache_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """$COCONET_CACHE, or the folder that the XDG rules name for caches."""
    if environment.get(FOLDER_VARIABLE):
        return Path(environment[FOLDER_VARIABLE])
    if environment.get("XDG_CACHE_HOME"):
        return Path(environment["XDG_CACHE_HOME"]) / "coconet-edge"
    try:
        return Path.home() / ".cache" / "coconet-edge"
    except RuntimeError:  # a user without a home, as in containers: nothing can be kept, which costs a warning
        return Path(os.devnull) / "coconet-edge"
