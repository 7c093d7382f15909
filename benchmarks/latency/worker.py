"""A worker: one model in a process of its own, so that memory, threads and a crash are its own too."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Thread, current_thread, main_thread
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, TypeVar

from coconet.cards.model_card import ModelCard
from coconet.errors import CoconetError
from coconet.installation.kernel_files import bytes_in
from coconet.media.pixels import Pixels
from coconet.runtime.backends.backend import Backend
from coconet.runtime.frame import FramePair

Opener = Callable[[], Backend]
"""Opens the model inside the worker; must be picklable, as a bound method or a functools.partial is."""

Given = ParamSpec("Given")

Answer = TypeVar("Answer")

CLOSE_S = 5.0


@dataclass
class WorkerState:
    """What a worker holds: its open model and the frames it is asked to fuse."""

    backend: Backend
    pairs: list[FramePair] = field(default_factory=list)

    def fuse(self, index: int) -> Pixels:
        """Fuse the pair of this number, counted around."""
        pair = self.pairs[index % len(self.pairs)]
        return self.backend.fuse(pair.visible.pixels, pair.infrared.pixels)


@dataclass(frozen=True)
class Loaded:
    """What opening a model came to: its card, the name of what runs it and how long that took, imports included."""

    card: ModelCard
    backend: str
    load_ms: float


class Worker:
    """A process that opens a model and then does jobs on it, one after the other; a context manager.

    loaded: what opening came to. pid: the process. busy_ms: how long it has been waited for, opening included. All are
    those of the newest process after `renew`.
    patience_s: how long any answer may take; None for ever.
    Raises CoconetError, when made, asked or renewed, for what the model raises, for a process that has died, and if
    an answer does not come in time, after which the worker is of no use.
    """

    loaded: Loaded

    def __init__(self, name: str, opener: Opener, patience_s: float | None = None) -> None:
        self.name, self._opener, self._patience_s = name, opener, patience_s
        self._pairs: tuple[FramePair, ...] = ()
        self._start()

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def ask(
        self, job: Callable[Concatenate[WorkerState, Given], Answer], *args: Given.args, **kwargs: Given.kwargs
    ) -> Answer:
        """Run a function of some module on what the worker holds, there, and give its answer."""
        with suppress(BrokenPipeError):
            self._pipe.send((job, args, kwargs))
        answer: Answer = self._answer()
        return answer

    def hold(self, pairs: Sequence[FramePair]) -> None:
        """Keep frames for the jobs to come, those of later processes too."""
        self._pairs = tuple(pairs)
        self.ask(_hold, self._pairs)

    def renew(self) -> None:
        """End the process and open the model in a fresh one, which holds the same frames."""
        self.close()
        self._start()
        self.ask(_hold, self._pairs)

    def close(self) -> None:
        """End the process; a second call does nothing."""
        self._pipe.close()
        self._process.join(0 if self._late else CLOSE_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join(CLOSE_S)  # one that waits for a device outlives even that, and is left alone

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")  # a fork would inherit memory, threads and CUDA
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, self._opener), daemon=True)
        with _without_ctrl_c():
            self._process.start()
        theirs.close()
        self.pid, self.busy_ms, self._late = self._process.pid or 0, 0.0, False
        try:
            self.loaded = self._answer()
        except BaseException:
            self.close()
            raise

    def _answer(self) -> Any:
        asked_ns = time.perf_counter_ns()
        try:
            self._late = not self._pipe.poll(self._patience_s)
            if self._late:
                raise self._too_slow()
            good, answer = self._pipe.recv()
        except (EOFError, ConnectionError) as error:
            self._process.join(CLOSE_S)
            raise CoconetError(
                self.name,
                wanted="a model that runs",
                got=f"a process that ended with code {self._process.exitcode}",
                remedy="It may have run out of memory: try it alone, or at a smaller size.",
                says=f"was lost: its process ended with code {self._process.exitcode}",
            ) from error
        self.busy_ms += (time.perf_counter_ns() - asked_ns) / 1e6
        if good:
            return answer
        where, wanted, got, remedy, says = answer
        raise CoconetError(where, wanted=wanted, got=got, remedy=remedy, says=says)

    def _too_slow(self) -> CoconetError:
        return CoconetError(
            self.name,
            wanted=f"an answer within {self._patience_s:g} s",
            got="none",
            remedy="Measure this model alone, at a smaller size or with a longer --patience.",
            says=f"gave no answer within {self._patience_s:g} s",
        )


def first_frame_ms(held: WorkerState) -> float:
    """A job: the time of one frame, meant to be the first."""
    return time_frame_ms(held, 0)


def turn_ms(held: WorkerState, first: int, runs: int, settle: bool) -> list[float]:
    """A job: the times of some frames in a row, after one that is not counted where `settle` says so."""
    if settle:
        held.fuse(first)
    return [time_frame_ms(held, first + run) for run in range(runs)]


def pictures(held: WorkerState) -> list[Pixels]:
    """A job: every held frame, fused."""
    return [held.fuse(index) for index in range(len(held.pairs))]


def peak_memory_mib(held: WorkerState) -> float | None:
    """A job: the most memory this process has had resident so far, Python included; None if Linux does not say.

    The kernel's VmHWM, not getrusage: that one starts from what the parent process had.
    """
    found = bytes_in(Path("/proc/self/status"), "VmHWM")
    return None if found is None else found / 2**20


def time_frame_ms(held: WorkerState, index: int) -> float:
    """Fuse one frame from host memory to host memory: `fuse` returns when the picture is there, on a GPU too."""
    started = time.perf_counter_ns()
    held.fuse(index)
    return (time.perf_counter_ns() - started) / 1e6


def _hold(held: WorkerState, pairs: Sequence[FramePair]) -> None:
    held.pairs = list(pairs)


@contextmanager
def _without_ctrl_c() -> Iterator[None]:
    """Let a process that is started in the block ignore Ctrl-C: the one that asks hears it, and closes the pipe."""
    if current_thread() is not main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _serve(pipe: Connection, opener: Opener) -> None:
    Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    try:
        started = time.perf_counter_ns()
        backend = opener()
        load_ms = (time.perf_counter_ns() - started) / 1e6
    except CoconetError as error:
        with suppress(ConnectionError):  # the one that asked may have been stopped meanwhile
            pipe.send((False, _in_words(error)))
        return
    with closing(backend), suppress(EOFError, ConnectionError):  # the end of the pipe is that of the worker
        pipe.send((True, Loaded(backend.card, backend.name, load_ms)))
        held = WorkerState(backend)
        while True:
            pipe.send(_done(held, *pipe.recv()))


def _done(
    held: WorkerState, job: Callable[..., object], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[bool, object]:
    try:
        return True, job(held, *args, **kwargs)
    except CoconetError as error:
        return False, _in_words(error)


def _end_with(parent: int) -> None:
    """End this process soon after its parent is gone, however busy it is: a killed benchmark leaves nothing behind."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _in_words(error: CoconetError) -> tuple[str, str, str, str, str]:
    return error.where, error.wanted, error.got, error.remedy, error.says
