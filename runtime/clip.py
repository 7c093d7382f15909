"""A clip: fused frames written in a thread of its own while somebody records, which never keeps the loop waiting."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from queue import Full, Queue
from threading import Thread

from coconet.errors import CoconetError
from runtime.frame import FusedFrame, Sink

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
