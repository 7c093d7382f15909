"""Opening workers: the function that knows which engine is which."""

from __future__ import annotations

from coconet.errors import CoconetError
from coconet.runtime.fleet.engine import Engine
from coconet.runtime.fleet.job import BatchSettings, WorkerShare


def open_engine(kind: str, settings: BatchSettings, shares: list[WorkerShare], address: str | None) -> Engine:
    """Open the workers, `local` or `ray`. Raises MissingPackage without Ray, CoconetError for another kind."""
    if kind == "local":
        from coconet.runtime.fleet.local_engine import LocalEngine

        return LocalEngine(settings, shares)
    if kind == "ray":
        from coconet.runtime.fleet.ray_engine import RayEngine

        return RayEngine(settings, shares, address)
    raise CoconetError("--engine", wanted="local or ray", got=kind, remedy="Use one of them.")
