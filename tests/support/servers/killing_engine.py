"""Workers of a batch, some of which are killed in the middle of their work."""

from __future__ import annotations

import os
import signal
from typing import Protocol

from coconet.runtime.fleet.engines.engine import Engine, JobMessage
from coconet.runtime.fleet.job import Job, Progress


class Killable(Engine, Protocol):
    """An engine that says which processes its workers are."""

    def pids(self) -> list[int]:
        """The processes of the workers."""


class Killing:
    """Kills the only worker of an engine as soon as it has fused something of a job, for the first `times` times.

    victim: of which job; empty is any. killed: how many times.
    """

    def __init__(self, engine: Killable, times: int, victim: str = "") -> None:
        self._engine, self._times, self._victim, self.killed = engine, times, victim, 0

    @property
    def free(self) -> int:
        return self._engine.free

    @property
    def placeless(self) -> int:
        return self._engine.placeless

    def submit(self, job: Job) -> None:
        self._engine.submit(job)

    def hear(self, within_s: float) -> list[JobMessage]:
        heard = self._engine.hear(within_s)
        under_way = [one.job.name for one in heard if isinstance(one.sign, Progress) and one.sign.frames]
        if self.killed < self._times and any(self._victim in name for name in under_way):
            self.killed += 1
            os.kill(self._engine.pids()[0], signal.SIGKILL)
        return heard

    def close(self) -> None:
        self._engine.close()
