"""Events posted to a web address: signed, with a deadline for every try, and tried again."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import logging
import time
from base64 import b64encode
from collections.abc import Callable
from contextlib import closing, suppress
from threading import Timer
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from coconet.event_log import log_event
from coconet.redaction import redact
from coconet.runtime.alarms.alarm_event import AlarmEvent
from coconet.runtime.threads.queue_thread import Bounds, QueueThread, emptying

if TYPE_CHECKING:
    from typing_extensions import Self

SIGNATURE, TIMESTAMP = "X-Coconet-Signature", "X-Coconet-Timestamp"

_DEPTH = 256  # events that wait for a receiver that is away; the oldest give way

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 30.0

_AGAIN = (408, 425, 429)  # of 400 to 499 those that say later; the others say never


def signature_of(secret: str, timestamp: str, body: bytes) -> str:
    """What a receiver compares: sha256= and the HMAC-SHA256, in hex, of the timestamp, a dot and the body."""
    return f"sha256={hmac.new(secret.encode(), timestamp.encode() + b'.' + body, hashlib.sha256).hexdigest()}"


class Webhook:
    """Posts events in a thread of its own, in order, inside its block. sent, lost: how many were, and were not.

    A try takes `timeout_s` at most, whatever the receiver does. After the last one an event is lost, which is logged.
    """

    def __init__(
        self,
        url: str,
        secret: str | None = None,
        timeout_s: float = 5.0,
        tries: int = 6,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        """Post to `url`. secret: signs bodies. now_s: the time of day, for the signature."""
        self._url, self._secret, self._timeout_s, self._tries, self._now_s = url, secret, timeout_s, tries, now_s
        self.sent = self._given_up = 0
        self._queue: QueueThread[AlarmEvent] = QueueThread(
            emptying(self._post), Bounds(_DEPTH, "drop oldest"), "webhook"
        )

    @property
    def lost(self) -> int:
        """How many events were given up, or had no room."""
        return self._given_up + self._queue.dropped

    def __enter__(self) -> Self:
        self._queue.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._queue.stop()

    def tell(self, event: AlarmEvent) -> None:
        """Take an event."""
        with suppress(Exception):  # an error of the thread is logged there
            self._queue.put(event)

    def _post(self, event: AlarmEvent) -> None:
        pause_s, trouble = _FIRST_PAUSE_S, ""
        for attempt in range(self._tries):
            if attempt and not self._queue.pause(pause_s):
                break
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S) if attempt else pause_s
            trouble, again = self._attempt(event)
            if not trouble:
                self.sent += 1
                return
            if not again:
                break
        self._given_up += 1
        where = redact(self._url)
        log_event("webhook", level=logging.WARNING, url=where, alarm=event.alarm, serial=event.serial, trouble=trouble)

    def _attempt(self, event: AlarmEvent) -> tuple[str, bool]:
        """Post once; give what went wrong, and whether to try again."""
        try:
            status = self._status(event.to_json().encode())
        except (OSError, http.client.HTTPException, ValueError, AttributeError) as error:
            # AttributeError: the deadline has closed the connection under the client's feet
            return getattr(error, "strerror", None) or type(error).__name__, True
        if 200 <= status < 300:
            return "", False
        return f"status {status}", status >= 500 or status in _AGAIN

    def _status(self, body: bytes) -> int:
        parts = urlsplit(self._url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        stamp = str(int(self._now_s()))
        headers = {"Content-Type": "application/json", "User-Agent": "coconet", TIMESTAMP: stamp}
        if self._secret is not None:
            headers[SIGNATURE] = signature_of(self._secret, stamp, body)
        if parts.username:
            login = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
            headers["Authorization"] = f"Basic {b64encode(login).decode()}"
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        with closing(kind(parts.hostname or "", parts.port, timeout=self._timeout_s)) as connection:
            deadline = Timer(self._timeout_s, _cut, [connection])
            deadline.daemon = True
            deadline.start()
            try:
                connection.request("POST", path, body, headers)
                return connection.getresponse().status  # a redirection is not followed: it would lose the body
            finally:
                deadline.cancel()


def _cut(connection: http.client.HTTPConnection) -> None:
    """End a connection that takes too long, whatever it waits for."""
    sock = connection.sock
    if sock is not None:
        with suppress(OSError):
            sock.shutdown(2)
