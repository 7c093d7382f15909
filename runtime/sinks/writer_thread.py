"""A sink in a thread of its own, behind the one queue that its delivery asks for."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event
from types import TracebackType

from coconet.errors import CoconetError, ExitCode, ending_with
from coconet.runtime.frame import FusedFrame
from coconet.runtime.sinks.sink import Delivery, Sink
from coconet.runtime.threads.background import Background
from coconet.runtime.threads.queue_thread import QueueThread, emptying


class SinkThread:
    """Hands frames to a sink, in order, in a thread; a frame for which there is no room waits or is dropped.

    As a context manager: at the end of the block the sink is closed; after an error in the block or in the sink it is
    discarded. An error of the sink comes out of the next `put`, or out of `close`.
    """

    def __init__(
        self,
        sink: Sink,
        on_written: Callable[[float, float], None] | None = None,
        delivery: Delivery | None = None,
    ) -> None:
        """Prepare to write. delivery: the sink's own unless given.

        on_written: called in the thread with how long a frame waited and how long it took to write, in ms.
        """
        self._sink, self._on_written = sink, on_written
        self._delivery = delivery or sink.delivery
        self._queue: QueueThread[tuple[FusedFrame, float]] = QueueThread(
            emptying(self._write), self._delivery.bounds, "sink"
        )
        self._written = 0
        self._wanted = True

    def __enter__(self) -> SinkThread:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None and self._wanted:
            self.close()
        else:
            self.discard()

    @property
    def written(self) -> int:
        """How many frames the sink has taken."""
        return self._written

    @property
    def dropped(self) -> int:
        """How many frames there was no room for."""
        return self._queue.dropped

    @property
    def error(self) -> BaseException | None:
        """Why the sink takes no more, if it does not."""
        return self._queue.error

    def start(self) -> None:
        """Begin to write; once."""
        self._queue.start()

    def put(self, frame: FusedFrame, stop: Event | None = None) -> bool:
        """Hand over a frame; raises what the sink raised for an earlier one.

        stop: ends the wait for room. False if the frame found none because of that; a lossy delivery says True.
        """
        with ending_with(ExitCode.OUTPUT):
            return self._queue.put((frame, time.perf_counter()), stop) or self._delivery.lossy

    def give_up(self) -> None:
        """Let the end of the block discard the sink."""
        self._wanted = False

    def close(self) -> None:
        """Write what waits, and close the sink. Raises what the sink raised, and CoconetError if it is stuck."""
        with ending_with(ExitCode.OUTPUT):
            if not self._queue.stop(self._delivery.patience_s):
                raise self._stuck()
            try:
                self._queue.check()
                closed = self._ended(self._sink.close)
            except BaseException:
                self.discard()
                raise
            if not closed:
                raise self._stuck()

    def discard(self) -> None:
        """Discard the sink; one that is stuck is left alone."""
        if self._queue.stop(self._delivery.patience_s):
            self._ended(self._sink.discard)

    def _ended(self, last: Callable[[], None]) -> bool:
        """Call the last method of the sink; False if it is stuck in it. Raises what it raises."""
        thread = Background(last, "sink end")
        thread.start()
        ended = thread.stop(self._delivery.patience_s)
        thread.check()
        return ended

    def _stuck(self) -> CoconetError:
        return CoconetError(
            self._sink.name,
            wanted="an output that takes the frames",
            got=f"one that has been stuck for {self._delivery.patience_s:g} s",
            remedy="Check what is at the other end of it.",
            says=f"has been stuck for {self._delivery.patience_s:g} s",
        )

    def _write(self, entry: tuple[FusedFrame, float]) -> None:
        frame, queued = entry
        begun = time.perf_counter()
        self._sink.write(frame)
        self._written += 1
        if self._on_written is not None:
            self._on_written((begun - queued) * 1e3, (time.perf_counter() - begun) * 1e3)
