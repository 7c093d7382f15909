"""Sinks in a thread of their own: lossless, for a clip on demand, or dropping frames for a receiver that is stuck."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from queue import Full, Queue
from threading import Thread
from types import TracebackType

from coconet.errors import CoconetError, ExitCode, ending_with
from coconet.runtime.frame import FusedFrame
from coconet.runtime.sinks.sink import Sink

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


_WAITING_FRAMES = 16  # half a second at 30 a second bridges a slow disk; more would be memory


@dataclass(frozen=True)
class ClipState:
    """A recording that is on. frames: written. dropped: given up because writing them took too long.

    trouble: why it writes no more, empty while it does.
    """

    name: str
    seconds: float
    frames: int
    dropped: int
    trouble: str = ""


class ClipWriter:
    """Takes frames until `stop`; a frame for which there is no room is dropped and counted."""

    def __init__(self, sink: Sink, name: str) -> None:
        """Begin to write into an open sink; the recorder closes it. name: for whoever asks how it goes."""
        self._sink, self._name = sink, name
        self._began_s = time.monotonic()
        self._frames = self._dropped = 0
        self._error: Exception | None = None
        self._queue: Queue[FusedFrame | None] = Queue(_WAITING_FRAMES)
        self._thread = Thread(target=self._work, name="recorder", daemon=True)
        self._thread.start()

    @property
    def state(self) -> ClipState:
        """How it goes."""
        seconds = time.monotonic() - self._began_s
        return ClipState(self._name, seconds, self._frames, self._dropped, str(self._error or ""))

    def note(self, frame: FusedFrame) -> None:
        """Take a frame if there is room."""
        try:
            self._queue.put_nowait(frame)
        except Full:
            self._dropped += 1

    def check(self) -> None:
        """Raise what writing raised."""
        if self._error is not None:
            raise self._error

    def stop(self, patience_s: float | None = None) -> ClipState:
        """Finish the file. Raises what writing raised; a file that is not whole is not left then.

        patience_s: how long to wait for a sink that is stuck, which is a CoconetError then; None waits for ever.
        """
        with suppress(Full):
            self._queue.put(None, timeout=patience_s)
        self._thread.join(patience_s)
        if self._thread.is_alive():
            raise CoconetError(
                self._name, wanted="somebody who takes the frames", got="one who is stuck", remedy="Look there."
            )
        try:
            self.check()
            self._sink.close()
        except BaseException:
            self._sink.discard()
            raise
        return self.state

    def _work(self) -> None:
        while (frame := self._queue.get()) is not None:
            if self._error is None:
                self._write(frame)

    def _write(self, frame: FusedFrame) -> None:
        try:
            self._sink.write(frame)
            self._frames += 1
        except CoconetError as error:  # it comes out of `stop`, and shows in the state until then
            self._error = error


PATIENCE_S = 3.0
"""At the end, for what is still to be written."""


class LossySink:
    """Writes into another sink from a thread of its own."""

    def __init__(self, sink: Sink, name: str) -> None:
        """Take over an open sink; name: for errors, without passwords."""
        self._clip = ClipWriter(sink, name)

    @property
    def dropped(self) -> int:
        """How many frames there was no time for."""
        return self._clip.state.dropped

    def write(self, frame: FusedFrame) -> None:
        """Hand a frame over if there is room. Raises what the other sink raised for an earlier one."""
        self._clip.check()
        self._clip.note(frame)

    def close(self) -> None:
        """Finish what is waiting. Raises CoconetError where the other sink is stuck."""
        self._clip.stop(PATIENCE_S)

    def discard(self) -> None:
        """Give up; a sink that is stuck is left alone."""
        with suppress(CoconetError):
            self._clip.stop(PATIENCE_S)
