"""Workers as actors of Ray, on this machine or on a cluster."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import current_thread, main_thread
from typing import Any

from coconet.errors import CoconetError, MissingPackage, first_line
from coconet.runtime.fleet.engines.engine import JobMessage, WorkerDied
from coconet.runtime.fleet.engines.shares import claim_cores
from coconet.runtime.fleet.job import BatchSettings, Job, Outcome, Progress, WorkerShare
from coconet.runtime.fleet.worker import Worker, error_line

try:
    import ray
    from ray.exceptions import RayError
except ImportError as error:
    raise MissingPackage("ray", job="workers on a Ray cluster", extra="ray") from error

STORE_BYTES = 80 * 2**20
"""Of Ray's object store, which starts at 75 MiB: what goes through it are jobs and signs of them, a few kB each."""

_FALSE_STARTS = 3
"""After this many workers that did not start, one after the other, the cluster is at fault."""

_REACH_S = 5.0


class RayEngine:
    """Actors, each with the cores and the GPU of its share, which Ray finds a place for.

    Only those that have started get jobs: a cluster may be too small for all of them, or grow in a while.
    """

    def __init__(self, settings: BatchSettings, shares: list[WorkerShare], address: str | None) -> None:
        """Join the cluster at an address, or start one on this machine; and ask for the actors.

        `open_engine` sets what Ray reads from the environment when it is imported.

        Raises CoconetError for a cluster that cannot be reached.
        """
        _join(address, sum(map(_cores_of, shares)))
        self._settings, self._shares, self._false_starts = settings, shares, 0
        self._actors, self._pids = list[Any](), dict[int, int]()
        self._starting: dict[Any, int] = {}
        self._busy: dict[int, tuple[Job, Any]] = {}
        for index in range(len(shares)):
            self._actors.append(self._started(index))

    @property
    def free(self) -> int:
        """How many workers have started and have nothing to do."""
        return len(self._pids) - len(self._busy)

    @property
    def placeless(self) -> int:
        """How many workers have not started yet."""
        return len(self._starting)

    def submit(self, job: Job) -> None:
        """Give a job to a free worker."""
        index = next(index for index in self._pids if index not in self._busy)
        signs = self._actors[index].work.options(num_returns="streaming").remote(job)
        self._busy[index] = (job, signs)

    def hear(self, within_s: float) -> list[JobMessage]:
        """Wait for signs of the jobs under way, at most so long. Raises CoconetError if workers do not start."""
        streams = {signs: index for index, (_, signs) in self._busy.items()}
        awaited = [*streams, *self._starting]
        ready, _ = ray.wait(awaited, num_returns=1, timeout=within_s) if awaited else ([], [])
        for one in ready:
            if one in self._starting:
                self._note_start(one)
        return [self._sign(streams[one]) for one in ready if one in streams]

    def close(self) -> None:
        """End every worker, and leave the cluster."""
        for actor in self._actors:
            ray.kill(actor)
        ray.shutdown()

    def pids(self) -> list[int]:
        """The processes of the workers, as they are numbered on their machines."""
        return list(self._pids.values())

    def _sign(self, index: int) -> JobMessage:
        job, signs = self._busy[index]
        sign: Progress | Outcome | WorkerDied
        try:
            sign = ray.get(next(signs))
        except StopIteration:
            sign = WorkerDied("it ended without an outcome")
        except RayError as error:
            sign = WorkerDied(first_line(error))
            with suppress(RayError, ValueError):  # what it holds would be missing to the next one
                ray.kill(self._actors[index])
            del self._pids[index]
            self._actors[index] = self._started(index)
        if isinstance(sign, (Outcome, WorkerDied)):
            del self._busy[index]
        return JobMessage(job, sign)

    def _started(self, index: int) -> Any:
        """Ask for an actor. Cores of the driver mean nothing elsewhere: it gets their number, and Ray the GPU."""
        share = self._shares[index]
        wants = {"num_cpus": _cores_of(share), "num_gpus": 0 if share.gpu is None else 1}
        words = (self._settings, _cores_of(share), Path.cwd())
        actor: Any = ray.remote(_Actor).options(max_restarts=0, **wants).remote(*words)
        self._starting[actor.pid.remote()] = index
        return actor

    def _note_start(self, pid: Any) -> None:
        index = self._starting.pop(pid)
        try:
            self._pids[index] = ray.get(pid)
            self._false_starts = 0
        except RayError as error:
            self._false_starts += 1
            if self._false_starts == _FALSE_STARTS:
                remedy = "Install the same version of coconet-edge, with its extras, on every node."
                got = first_line(error.__cause__ or error)
                raise CoconetError(
                    "ray", wanted="workers that start", got=got, remedy=remedy, says=f"cannot start its workers: {got}"
                ) from error
            self._actors[index] = self._started(index)


class _Actor:
    def __init__(self, settings: BatchSettings, cores: int, folder: Path) -> None:
        with suppress(OSError):  # relative paths mean the same as to the driver, if this node has its folder
            os.chdir(folder)
        self._worker = Worker(settings, WorkerShare(claim_cores(cores), threads=cores))

    def pid(self) -> int:
        """The number of this process."""
        return os.getpid()

    def work(self, job: Job) -> Iterator[Progress | Outcome | WorkerDied]:
        """Make a result, as Worker does."""
        try:
            yield from self._worker.work(job)
        except Exception as error:
            yield WorkerDied(error_line(error))


def _join(address: str | None, cores: int) -> None:
    """Join a cluster, or start one on this machine, for the time of this process."""
    if address is not None:
        _check_reachable(address)
    alone = {"include_dashboard": False, "num_cpus": cores, "object_store_memory": STORE_BYTES}
    try:
        with _signals_kept():
            words: dict[str, Any] = {"address": address} if address else {"address": "local", **alone}
            ray.init(**words, log_to_driver=False, configure_logging=False)
    except Exception as error:  # Ray raises that itself where its own processes do not start
        remedy = (
            "If it wants a token, set RAY_AUTH_MODE=token; and it has to have the versions of Ray and Python from here."
            if address
            else "Try again when the machine has less to do, or set RAY_raylet_start_wait_time_s=600."
        )
        where, got = f"--address {address}" if address else "ray", first_line(error)
        raise CoconetError(
            where,
            wanted="a Ray cluster",
            got=got,
            remedy=remedy,
            says=f"cannot be joined: {got}" if address else f"does not start: {got}",
        ) from error


def _check_reachable(address: str) -> None:
    """Refuse an address at which nobody listens; Ray would go on asking without an end."""
    if address == "auto":
        return
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _REACH_S).close()
    except (OSError, OverflowError) as error:
        remedy = "Start it with `ray start --head`, and see that its port can be reached from here."
        raise CoconetError(
            f"--address {address}",
            wanted="a Ray cluster",
            got=first_line(error),
            remedy=remedy,
            says=f"cannot be reached: {first_line(error)}",
        ) from error


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Keep what this process does at SIGTERM; Ray would end it at once, without a report."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if current_thread() is main_thread() and before is not None:
            signal.signal(signal.SIGTERM, before)


def _cores_of(share: WorkerShare) -> int:
    return share.width or 1
