"""Hazards of a page: settings that change all the time, viewers who ask and never read, requests that never end."""

from __future__ import annotations

import json
import random
import socket
import time
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

from coconet.benchmarks.endurance.hazards import RigFault
from coconet.errors import CoconetError
from coconet.runtime.threads.background import Background
from coconet.runtime.viewers.live_page import LivePage

_ANSWER_S = 5.0

_PATIENCE_S = 60.0  # of what has to be known: a loaded machine answers late


class PageClient:
    """Asks a page for its settings and changes them, as a browser does."""

    def __init__(self, url: str) -> None:
        self._netloc = urlsplit(url).netloc

    def get(self, path: str) -> int:
        """The status of an answer; 0 for none."""
        return self._asked("GET", path)[0]

    def post(self, changes: dict[str, Any]) -> int:
        """Change settings; the status of the answer, 0 for none."""
        return self._asked("POST", "/settings", json.dumps(changes))[0]

    def settings(self) -> dict[str, Any] | None:
        """What is set now; None for no answer."""
        status, body = self._asked("GET", "/settings")
        return dict(json.loads(body)["settings"]) if status == 200 else None

    def _asked(self, method: str, path: str, body: str | None = None) -> tuple[int, bytes]:
        connection = HTTPConnection(self._netloc, timeout=_ANSWER_S)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, HTTPException):
            return 0, b""
        finally:
            connection.close()


class SettingsStorm:
    """Settings are posted to the page, some that fit and some that do not; noticed when both have been answered so.

    Whole when the settings from before are back.
    """

    fault: RigFault = "settings storm"
    side = None
    recover_s = 0.0

    def __init__(self, page: LivePage) -> None:
        self._client, self._random = PageClient(page.url), random.Random(1)  # noqa: S311  the same storm every time
        self._before: dict[str, Any] = {}
        self._answers: set[int] = set()
        self._storm: Background | None = None

    def inject(self) -> None:
        """Begin to post. Raises CoconetError for a page that does not say its settings."""
        self._before, self._answers = self._settings_now(), set()
        self._storm = Background(self._post, "settings storm")
        self._storm.start()

    def noticed(self) -> bool:
        """Whether settings were taken, and others refused."""
        return {200, 400} <= self._answers

    def clear(self) -> None:
        """End it, and post what was set before."""
        if self._storm is not None:
            self._storm.stop()
            self._storm.check()
        self._client.post(self._before)

    def lacks(self) -> str:
        """Whether the settings are not those from before; if they are others, they are posted once more."""
        found = self._client.settings()
        if found is not None and found != self._before:
            self._client.post(self._before)
        return "" if found == self._before else f"settings {found} and not {self._before}"

    def close(self) -> None:
        """End it."""
        if self._storm is not None:
            self._storm.stop()

    def _settings_now(self) -> dict[str, Any]:
        end_s = time.monotonic() + _PATIENCE_S
        while (found := self._client.settings()) is None:
            if time.monotonic() > end_s:
                got = f"none for {_PATIENCE_S:g} s"
                raise CoconetError(
                    "page",
                    wanted="its settings",
                    got=got,
                    remedy="Close other programs, and try again.",
                    says=f"has not said its settings for {_PATIENCE_S:g} s",
                )
            time.sleep(0.1)
        return found

    def _post(self) -> None:
        while self._storm is not None and not self._storm.stopping.wait(0.05):
            self._answers.add(self._client.post(self._changes()))

    def _changes(self) -> dict[str, Any]:
        roll = self._random
        if roll.random() < 0.5:
            key, value = roll.choice([("offset_ms", 1e308), ("black_hot", "?"), ("contrast", 3), ("name", "x")])
            return {"infrared": {key: value}}
        low = roll.uniform(0.1, 20.0)
        contrast = {"contrast": roll.choice(["linear", "plateau"]), "agc_percentiles": [low, 100 - low]}
        return {
            "infrared": {"offset_ms": roll.uniform(-5000, 5000), "black_hot": roll.random() < 0.5, **contrast},
            "alignment": {"homography": [[1, 0, roll.uniform(-9, 9)], [0, 1, roll.uniform(-9, 9)], [0, 0, 1]]},
        }


_STALLED, _UNENDED = 4, 4

_WISH = b'{"looks": [{"show": "fused"}]}'.ljust(4000)


class StalledViewers:
    """Viewers who ask for pictures and read none, and requests that never end.

    Noticed when the page takes no more from such a viewer. Whole when it answers others at once.
    """

    fault: RigFault = "stalled viewers"
    side = None
    recover_s = 0.0

    def __init__(self, page: LivePage) -> None:
        self._client, self._place = PageClient(page.url), urlsplit(page.url)
        self._viewers: list[socket.socket] = []
        self._unended: list[socket.socket] = []

    def inject(self) -> None:
        """Connect."""
        self._viewers = [self._connected(_upgrade(self._place.netloc)) for _ in range(_STALLED)]
        self._unended = [self._connected(b"GET / HTTP/1.1\r\nHost: localh") for _ in range(_UNENDED)]

    def noticed(self) -> bool:
        """Ask on; whether a viewer's questions are not taken any more."""
        return True in [_is_stuck(viewer) for viewer in self._viewers]

    def clear(self) -> None:
        """Disconnect."""
        self.close()

    def lacks(self) -> str:
        """Whether the page does not say that the rig is fused."""
        answer = self._client.get("/readyz")
        return "" if answer == 200 else f"/readyz answers {answer}"

    def close(self) -> None:
        """Disconnect."""
        for connection in (*self._viewers, *self._unended):
            connection.close()
        self._viewers, self._unended = [], []

    def _connected(self, begun: bytes) -> socket.socket:
        connection = socket.create_connection((self._place.hostname or "", self._place.port or 0), timeout=_PATIENCE_S)
        connection.sendall(begun)
        connection.setblocking(False)
        return connection


def _is_stuck(viewer: socket.socket) -> bool:
    """Send more than the page takes; whether it takes no more, or has given the viewer up."""
    try:
        for _ in range(200):
            viewer.send(_masked_text(_WISH))
    except (BlockingIOError, ConnectionError):
        return True
    return False


def _upgrade(netloc: str) -> bytes:
    lines = (
        f"GET /watch HTTP/1.1\r\nHost: {netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    )
    return "\r\n".join(lines).encode()


def _masked_text(payload: bytes) -> bytes:
    """A text frame of a client (RFC 6455, 5.2) of 126 to 65535 bytes; a mask of zeros leaves the payload as it is."""
    return b"\x81\xfe" + len(payload).to_bytes(2, "big") + bytes(4) + payload
