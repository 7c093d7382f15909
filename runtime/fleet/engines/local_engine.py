"""Workers as processes of this machine: one that dies takes nothing with it but its job."""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from coconet.runtime.backends.tensorrt.cuda_device import select_cuda_device
from coconet.runtime.fleet.engines.engine import JobMessage, WorkerDied
from coconet.runtime.fleet.job import BatchSettings, Job, Outcome, WorkerShare
from coconet.runtime.fleet.worker import Worker, error_line

_END_S = 5.0

_CONTEXT = multiprocessing.get_context("spawn")  # a forked process would share what libraries keep of their threads


@dataclass
class _WorkerProcess:
    """A worker's process, the way to it, and what it is busy with."""

    process: SpawnProcess
    line: Connection
    share: WorkerShare
    job: Job | None = None


class LocalEngine:
    """Processes that end with this one, however it ends: the line to a worker breaks with the process at its end."""

    def __init__(self, settings: BatchSettings, shares: list[WorkerShare]) -> None:
        """Start a worker for each share."""
        self._settings = settings
        self._desks = [self._started(share) for share in shares]

    @property
    def free(self) -> int:
        """How many workers have nothing to do."""
        return sum(desk.job is None for desk in self._desks)

    @property
    def placeless(self) -> int:
        """None: the processes of this machine wait for no place."""
        return 0

    def submit(self, job: Job) -> None:
        """Give a job to a free worker."""
        desk = next(desk for desk in self._desks if desk.job is None)
        desk.job = job
        with suppress(OSError):  # it has died meanwhile, which `hear` finds out
            desk.line.send(job)

    def hear(self, within_s: float) -> list[JobMessage]:
        """Wait for signs of the jobs under way, at most so long."""
        lines = {desk.line: desk for desk in self._desks}
        found = []
        for line in wait(list(lines), within_s):
            desk = lines[line]  # type: ignore[index]
            try:
                sign = desk.line.recv()
            except (EOFError, OSError):
                sign = WorkerDied(self._end_of(desk))
                self._desks[self._desks.index(desk)] = self._started(desk.share)
            job = desk.job
            if not isinstance(sign, (Outcome, WorkerDied)) or job is None:
                found += [] if job is None else [JobMessage(job, sign)]
                continue
            desk.job = None
            found.append(JobMessage(job, sign))
        return found

    def close(self) -> None:
        """End every worker."""
        for desk in self._desks:
            desk.line.close()  # at its next sign of life a worker notices, clears up and ends
        until_s = time.monotonic() + _END_S  # for all of them together
        for desk in self._desks:
            desk.process.join(max(0.0, until_s - time.monotonic()))
            if desk.process.is_alive():
                desk.process.kill()
                desk.process.join(_END_S)

    def pids(self) -> list[int]:
        """The processes of the workers."""
        return [desk.process.pid for desk in self._desks if desk.process.pid is not None]

    def _started(self, share: WorkerShare) -> _WorkerProcess:
        here, there = _CONTEXT.Pipe()
        words = (there, self._settings, share)
        process = _CONTEXT.Process(target=_work, args=words, name="coconet worker", daemon=True)
        with _deaf_to_ctrl_c():
            process.start()
        there.close()
        return _WorkerProcess(process, here, share)

    def _end_of(self, desk: _WorkerProcess) -> str:
        desk.line.close()
        desk.process.join(_END_S)
        code = desk.process.exitcode
        if code is not None and code < 0:
            return f"its process was ended by {signal.Signals(-code).name}"
        return f"its process ended with code {code}"


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Let processes that start inside the block not hear of Ctrl-C, from their first instruction on.

    They inherit that it is blocked; here it comes late at most, or to another thread.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    from multiprocessing.resource_tracker import ensure_running

    ensure_running()  # what starts it lets Ctrl-C through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(line: Connection, settings: BatchSettings, share: WorkerShare) -> None:
    """The process of a worker: jobs come over the line, and signs of them go back, until it breaks."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process of a terminal; the driver ends us
    select_cuda_device(share.gpu)
    worker = Worker(settings, share)
    with suppress(EOFError, OSError):
        while (job := line.recv()) is not None:
            _make(worker, job, line)


def _make(worker: Worker, job: Job, line: Connection) -> None:
    try:
        for sign in worker.work(job):
            line.send(sign)
    except (BrokenPipeError, ConnectionError):  # the driver has ended
        raise
    except Exception as error:
        line.send(WorkerDied(error_line(error)))
