"""A sink in a thread of its own, so that a frame is written while the next one is fused."""

from __future__ import annotations

import time
from collections.abc import Callable
from queue import Queue
from threading import Thread
from types import TracebackType

from coconet.exit_code import ExitCode, ending_with
from runtime.frame import FusedFrame, Sink

QUEUE_FRAMES = 4
"""Enough to bridge a slow write; more would only hide a sink that is too slow, and cost memory."""


class SinkThread:
    """A context manager around a sink. Every frame is written, in order; a full queue makes `put` wait.

    At the end of the block the sink is closed, after an error in the block or in the sink it is discarded.
    An error of the sink comes out of the next `put`, or out of the end of the block.
    """

    def __init__(self, sink: Sink, on_written: Callable[[float, float], None] | None = None) -> None:
        """Prepare to write; on_written is told, in the thread, how long a frame waited and how long it took, in ms."""
        self._sink, self._on_written = sink, on_written
        self._queue: Queue[tuple[FusedFrame, float] | None] = Queue(QUEUE_FRAMES)
        self._error: Exception | None = None
        self._thread = Thread(target=self._work, name="sink", daemon=True)

    def __enter__(self) -> SinkThread:
        self._thread.start()
        return self

    def put(self, frame: FusedFrame) -> None:
        """Hand over a frame; raises what the sink raised for an earlier one."""
        self._raise()
        self._queue.put((frame, time.perf_counter()))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        kept = False
        try:
            self._queue.put(None)
            self._thread.join()
            if error is None:
                self._raise()
                with ending_with(ExitCode.OUTPUT):
                    self._sink.close()
                kept = True
        finally:
            if not kept:
                self._sink.discard()

    def _raise(self) -> None:
        if self._error is not None:
            with ending_with(ExitCode.OUTPUT):
                raise self._error

    def _work(self) -> None:
        while (entry := self._queue.get()) is not None:
            if self._error is None:  # after an error the queue is only emptied, so that nobody waits for ever
                self._write(*entry)

    def _write(self, frame: FusedFrame, queued: float) -> None:
        begun = time.perf_counter()
        try:
            self._sink.write(frame)
        except Exception as error:  # whatever it is, it belongs to the thread that called put
            self._error = error
            return
        if self._on_written is not None:
            self._on_written((begun - queued) * 1e3, (time.perf_counter() - begun) * 1e3)
