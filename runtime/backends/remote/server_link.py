"""Whether a server is there: lost after an error or half a second without an answer, live again after it was asked."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from threading import Lock

from coconet.event_log import log_event
from coconet.runtime.backends.backend import Outages
from coconet.runtime.threads.background import Background

LOST_S = 0.5
"""Without an answer for so long, while something is asked, a server is lost."""

_FIRST_ASK_S, _LONGEST_ASK_S = 0.5, 8.0

_STEADY_ANSWERS = 30  # in a row, after which the next loss is asked about soon again


class ServerLink(Background):
    """A context manager: inside its block a server that is lost is asked, at growing intervals, whether it is back."""

    def __init__(self, name: str, is_back: Callable[[], bool], now_s: Callable[[], float] = time.monotonic) -> None:
        """Begin as live. name: of the server. is_back: asks it, and may take a while. now_s: the time in seconds.

        losses: how often it was lost so far.
        """
        super().__init__(self._keep_asking, "server link")
        self._server, self._is_back, self._now_s = name, is_back, now_s
        self.losses = 0
        self._lock, self._trouble = Lock(), ""
        self._lost_s, self._since_s = 0.0, 0.0
        self._unanswered_s: float | None = None
        self._answers, self._wait_s = 0, _FIRST_ASK_S

    @property
    def trouble(self) -> str:
        """Why the server is lost; empty while it is live."""
        return self._trouble

    @property
    def outages(self) -> Outages:
        """How often and how long it was lost."""
        with self._lock:
            return Outages(self.losses, self._lost_s + (self._now_s() - self._since_s if self._trouble else 0.0))

    def note_sent(self) -> None:
        """Say that the server was asked for a picture."""
        with self._lock:
            if self._unanswered_s is None:
                self._unanswered_s = self._now_s()

    def note_answer(self) -> None:
        """Say that a picture has come, in time or not."""
        with self._lock:
            self._unanswered_s = None
            self._answers += 1
            if self._answers >= _STEADY_ANSWERS:
                self._wait_s = _FIRST_ASK_S

    def note_silence(self) -> None:
        """Say that a picture is late: the server is lost if none has come for a while."""
        with self._lock:
            silent = self._unanswered_s is not None and self._now_s() - self._unanswered_s >= LOST_S
        if silent:
            self.note_loss("it does not answer")

    def note_loss(self, why: str) -> None:
        """Say that the server is lost; why: half a sentence."""
        with self._lock:
            if self._trouble:
                return
            self._trouble, self._answers, self._since_s = why, 0, self._now_s()
            self.losses += 1
        log_event("server", level=logging.WARNING, server=self._server, state="lost", trouble=why)

    def _keep_asking(self) -> None:
        while not self.stopping.wait(self._wait_s):
            if not self._trouble:
                continue
            self._wait_s = min(2 * self._wait_s, _LONGEST_ASK_S)
            if self._is_back():
                with self._lock:
                    self._trouble, self._unanswered_s = "", None
                    self._lost_s += self._now_s() - self._since_s
                log_event("server", server=self._server, state="live")
