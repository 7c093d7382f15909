"""Opening workers: the function that knows which engine is which."""

from __future__ import annotations

import os
import secrets
import sys

from coconet.errors import CoconetError, Refused
from coconet.runtime.fleet.engines.engine import Engine
from coconet.runtime.fleet.job import BatchSettings, WorkerShare


def check_address(address: str) -> None:
    """Raise Refused for what is no address of a Ray cluster."""
    host, _, port = address.rpartition(":")
    if address != "auto" and (not host or not port.isdecimal() or "://" in address):
        raise Refused(
            "--address",
            wanted="HOST:PORT of a Ray cluster, or auto",
            got=address[:80],
            remedy="Name the port that `ray start --head` told, which usually is 6379.",
            says=f"must be HOST:PORT of a Ray cluster or auto, not {address[:80]}",
        )


def open_engine(kind: str, settings: BatchSettings, shares: list[WorkerShare], address: str | None) -> Engine:
    """Open the workers, `local` or `ray`. Raises MissingPackage without Ray, CoconetError for another kind."""
    if kind == "local":
        from coconet.runtime.fleet.engines.local_engine import LocalEngine

        return LocalEngine(settings, shares)
    if kind == "ray":
        _set_up_ray(own=address is None)
        from coconet.runtime.fleet.engines.ray_engine import RayEngine

        return RayEngine(settings, shares, address)
    raise CoconetError(
        "--engine", wanted="local or ray", got=kind, remedy="Use one of them.", says=f"must be local or ray, not {kind}"
    )


def _set_up_ray(*, own: bool) -> None:
    """Say how Ray is to behave, where the environment does not: it reads that once, when it is imported.

    own: whether it starts on this machine, if nobody else is to use it: behind a token that only this process and
    its children know.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is reported to its makers
    if own and "ray" not in sys.modules and os.environ.setdefault("RAY_AUTH_MODE", "token") == "token":
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
