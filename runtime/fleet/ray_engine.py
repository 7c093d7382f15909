"""Workers as actors of Ray, on this machine or on a cluster."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from coconet.errors import CoconetError, MissingPackage, first_line
from coconet.runtime.fleet.engine import JobMessage, WorkerDied
from coconet.runtime.fleet.job import BatchSettings, Job, Outcome, Progress, WorkerShare
from coconet.runtime.fleet.worker import Worker, error_line

try:
    import ray
    from ray.exceptions import RayError
except ImportError as error:
    raise MissingPackage("ray", job="workers on a Ray cluster", extra="ray") from error


class RayEngine:
    """Actors, each with the cores and the GPU of its share, which Ray finds a place for."""

    def __init__(self, settings: BatchSettings, shares: list[WorkerShare], address: str | None) -> None:
        """Join the cluster at an address, or start one on this machine; and start the actors.

        Raises CoconetError for a cluster that cannot be reached.
        """
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        quiet: dict[str, Any] = {"include_dashboard": False, "num_cpus": _cores(shares)} if address is None else {}
        try:
            ray.init(address=address, log_to_driver=False, configure_logging=False, **quiet)
        except Exception as error:  # Ray raises that itself where its own processes do not start
            remedy = "Check --address, and that the versions of Ray and Python are those of the cluster."
            got = first_line(error)
            raise CoconetError(address or "ray", wanted="a Ray cluster", got=got, remedy=remedy) from error
        self._settings, self._shares = settings, shares
        self._actors: list[Any] = [self._started(share) for share in shares]
        self._busy: dict[int, tuple[Job, Any]] = {}

    @property
    def free(self) -> int:
        """How many workers have nothing to do."""
        return len(self._actors) - len(self._busy)

    def submit(self, job: Job) -> None:
        """Give a job to a free worker."""
        index = next(index for index in range(len(self._actors)) if index not in self._busy)
        signs = self._actors[index].work.options(num_returns="streaming").remote(job)
        self._busy[index] = (job, signs)

    def hear(self, within_s: float) -> list[JobMessage]:
        """Wait for signs of the jobs under way, at most so long."""
        streams = {signs: index for index, (_, signs) in self._busy.items()}
        ready, _ = ray.wait(list(streams), num_returns=1, timeout=within_s) if streams else ([], [])
        return [self._sign(streams[signs]) for signs in ready]

    def close(self) -> None:
        """End every worker, and leave the cluster."""
        for actor in self._actors:
            ray.kill(actor)
        ray.shutdown()

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
            self._actors[index] = self._started(self._shares[index])
        if isinstance(sign, (Outcome, WorkerDied)):
            del self._busy[index]
        return JobMessage(job, sign)

    def _started(self, share: WorkerShare) -> Any:
        wants = {"num_cpus": len(share.cores) or 1, "num_gpus": 0 if share.gpu is None else 1}
        # Cores of the driver mean nothing elsewhere: an actor has their number, and Ray chooses the GPU.
        return ray.remote(_Actor).options(max_restarts=0, **wants).remote(self._settings, len(share.cores))


class _Actor:
    def __init__(self, settings: BatchSettings, cores: int) -> None:
        self._worker = Worker(settings, WorkerShare(_some_cores(cores)))

    def work(self, job: Job) -> Iterator[Progress | Outcome | WorkerDied]:
        """Make a result, as Worker does."""
        try:
            yield from self._worker.work(job)
        except Exception as error:
            yield WorkerDied(error_line(error))


def _some_cores(count: int) -> tuple[int, ...]:
    """As many cores as an actor was given, beginning at one that depends on its process, so that actors spread."""
    there = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))
    first = os.getpid() % len(there)
    return tuple((there[first:] + there[:first])[: max(1, count)])


def _cores(shares: list[WorkerShare]) -> int:
    return sum(max(1, len(share.cores)) for share in shares)
