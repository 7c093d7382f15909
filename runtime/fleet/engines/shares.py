"""Which part of a machine each worker has: cores that are no other worker's, as long as there are enough of them."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from coconet.errors import CoconetError, Refused, counted
from coconet.files import make_folder
from coconet.installation.processor import usable_cores
from coconet.runtime.backends.tensorrt.cuda_device import count_cuda_devices
from coconet.runtime.fleet.job import WorkerShare
from coconet.writing.scratch import lock_unfinished

USUAL_CORES = 2
"""Of a worker, if they are there."""

_HELD: list[int] = []
"""Handles of the cores that this process has claimed; they end with it, however it ends."""


def shares(workers: int | None, cores: int | None, gpus: int) -> list[WorkerShare]:
    """Divide this machine into workers, and the GPUs among them.

    workers: one for each GPU, or as many as the cores are good for. cores: of each worker; 2, or fewer if the workers
    would not have them. Workers that want more cores than there are have the same ones in part.
    """
    there = usable_cores()
    each = cores or max(1, min(USUAL_CORES, len(there) // (workers or gpus or 1)))
    each = min(each, len(there))
    count = workers or gpus or max(1, len(there) // each)
    return [
        WorkerShare(
            tuple(there[(index * each + core) % len(there)] for core in range(each)),
            index % gpus if gpus else None,
        )
        for index in range(count)
    ]


def check_gpus(wanted: int) -> None:
    """Raise Refused if this machine has fewer GPUs than workers are to be started for; 0 asks for none."""
    there = count_cuda_devices() if wanted else 0
    if wanted > there:
        found = counted(there, "GPU") if there else "no GPU"
        raise Refused(
            f"--gpus {wanted}",
            wanted=f"{counted(wanted, 'GPU')} on this machine",
            got=found,
            remedy=f"Pass --gpus {there}." if there else "Leave it out, or see what coconet doctor says of the GPU.",
            says=f"is more than there are: the driver finds {found} here",
        )


def cluster_shares(workers: int | None, cores: int | None, gpus: int) -> list[WorkerShare]:
    """What workers on other machines want, whose cores are not known here. Raises Refused without their number."""
    count = workers or gpus
    if not count:
        remedy = "Pass --workers, or --gpus; those that find no place wait for one."
        raise Refused(
            "--workers",
            wanted="how many workers the cluster is to run",
            got="nothing",
            remedy=remedy,
            says="is missing: how many workers the cluster is to run is not known here",
        )
    return [WorkerShare((), index if gpus else None, cores or USUAL_CORES) for index in range(count)]


def crowding(divided: list[WorkerShare]) -> str:
    """What is to be said of workers that share cores; empty if none do."""
    wanted, there = sum(len(share.cores) for share in divided), len({core for one in divided for core in one.cores})
    if wanted <= there:
        return ""
    return f"{len(divided)} workers want {wanted} cores and share {there}: each is slower than one by itself."


def claim_cores(count: int, folder: Path | None = None) -> tuple[int, ...]:
    """Take cores for this process that no other process of this user has claimed in the same way.

    The claim is a lock on a file for each core, below `folder` or the temporary one, and ends with the process. Empty
    if there are not as many left: the process then runs wherever there is room.
    """
    place = folder or Path(tempfile.gettempdir()) / f"coconet-cores-{_user()}"
    claimed: dict[int, int] = {}
    with suppress(OSError, CoconetError):  # a temporary folder that cannot be written to
        make_folder(place)
        for core in usable_cores():
            if len(claimed) == count:
                break
            path = place / str(core)
            path.touch()
            if (handle := lock_unfinished(path)) is not None:
                claimed[core] = handle
    if len(claimed) < count:
        for handle in claimed.values():
            os.close(handle)
        return ()
    _HELD.extend(claimed.values())
    return tuple(claimed)


def _user() -> int:
    return os.getuid() if hasattr(os, "getuid") else 0
