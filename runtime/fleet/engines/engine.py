"""The engine contract: workers somewhere, each busy with one job at most, and what is heard of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from coconet.runtime.fleet.job import Job, Outcome, Progress


@dataclass(frozen=True)
class WorkerDied:
    """A worker ended in the middle of a job. why: as far as that is known."""

    why: str


@dataclass(frozen=True)
class JobMessage:
    """What was heard of a job."""

    job: Job
    sign: Progress | Outcome | WorkerDied


class Engine(Protocol):
    """Workers. `close` ends all of them at once, and what they were making is left unmade.

    free: how many have nothing to do. placeless: how many have not started, for want of a place or of time. A worker
    that dies is replaced before its death is told.
    """

    @property
    def free(self) -> int:
        """How many workers have nothing to do."""

    @property
    def placeless(self) -> int:
        """How many workers have not started yet."""

    def submit(self, job: Job) -> None:
        """Give a job to a free worker."""

    def hear(self, within_s: float) -> list[JobMessage]:
        """Wait for signs of the jobs under way, at most so long."""

    def close(self) -> None:
        """End every worker."""
