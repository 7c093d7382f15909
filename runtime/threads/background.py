"""A thread that works until it is asked to stop; what goes wrong in it is kept, and raised to its owner."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from threading import Event, Thread
from traceback import clear_frames
from types import TracebackType
from typing import TYPE_CHECKING

from coconet.errors import CoconetError
from coconet.event_log import is_logging, log_event, warn_once
from coconet.redaction import redact_text
from coconet.runtime.threads.process_end import Stage, note_closed, note_open

if TYPE_CHECKING:
    from typing_extensions import Self


STOP_S = 2.0
"""How long the end of a thread is waited for. One that is stuck in a driver is left to end with the process."""


class Background:
    """Calls `work` once, in a thread; as a context manager, inside its block.

    stopping: set when the thread is to end; `work` looks at it, or waits on it between two looks at something else.
    """

    def __init__(self, work: Callable[[], object], name: str, on_end: Callable[[], object] | None = None) -> None:
        """Prepare the thread. name: of the thread. on_end: called in the thread at its end, when `error` is known."""
        self.name, self.stopping = name, Event()
        self._work, self._on_end = work, on_end
        self._error: BaseException | None = None
        self._asked_s: float | None = None
        self._thread = Thread(target=self._run, name=name, daemon=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if error is None:
            self.check()

    @property
    def error(self) -> BaseException | None:
        """What went wrong in the thread, if anything did."""
        return self._error

    @property
    def running(self) -> bool:
        """Whether the thread has been started and has not ended."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Start the thread; once."""
        note_open(self, Stage.THREADS)
        self._thread.start()

    def ask_to_stop(self) -> None:
        """Ask the thread to end, without waiting for it."""
        if self._asked_s is None:
            self._asked_s = time.monotonic()
        self.stopping.set()

    def stop(self, patience_s: float = STOP_S) -> bool:
        """Ask the thread to end and wait for it, at most this long after it was first asked; False if it goes on."""
        self.ask_to_stop()
        if self._thread.is_alive() and self._asked_s is not None:
            self._thread.join(max(0.0, self._asked_s + patience_s - time.monotonic()))
        return not self._thread.is_alive()

    def end_within(self, patience_s: float) -> None:
        """Stop, as the process ends."""
        self.stop(patience_s)

    def check(self) -> None:
        """Raise what went wrong in the thread."""
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as error:  # check raises it in the owner's thread
            self._error = error
            _forget_locals(error)
            if not isinstance(error, CoconetError):
                self._say(error)
        finally:
            if self._on_end is not None:
                self._on_end()
            note_closed(self, Stage.THREADS)

    def _say(self, error: BaseException) -> None:
        """Say at once what nobody expected: its owner may ask for it much later."""
        if is_logging():
            log_event("thread failed", level=logging.ERROR, thread=self.name, error=repr(error))
        else:
            warn_once(f"the thread {self.name} has failed: {redact_text(repr(error))}")


def _forget_locals(error: BaseException | None) -> None:
    """Let go of what the frames that an error came through hold: files, encoders, pictures; the error may live long."""
    while error is not None:
        clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__
