"""Damaged requests and WebSocket messages: each is answered or cut off, nothing prints a traceback, the rig goes on.

A few of each, the same ones at every run; COCONET_FUZZ=long takes thousands.
"""

from __future__ import annotations

import logging
import random
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect
from websockets.sync.connection import Connection

from coconet.installation.kernel_files import bytes_in
from coconet.runtime.rig.live_settings import AdjustableRig
from coconet.runtime.rig.rig_file import Rig
from tests.support.media.damage import damaged, damaged_text
from tests.support.programs.fuzz_process import HANG_S, LONG, MOST_BYTES
from tests.support.rigs.live_rig import LiveRig, live_rig
from tests.support.servers.raw_http import status_of

CASES = 1000 if LONG else 20

_GLANCE_S = 0.2

HEAD = "Host: localhost\r\nConnection: close\r\nAccept: */*\r\n"
SETTINGS = b'{"infrared": {"offset_ms": 3.5, "contrast": "plateau", "agc_percentiles": [0.5, 99.5], "black_hot": true}}'
REQUESTS = [
    *(f"GET {path} HTTP/1.1\r\n{HEAD}\r\n".encode() for path in ("/", "/vitals", "/settings", "/healthz", "/metrics")),
    *(f"GET {path} HTTP/1.1\r\n{HEAD}\r\n".encode() for path in ("/static/page.js", "/captures/x.png", "/readyz?a=b")),
    *(f"GET {path} HTTP/1.1\r\n{HEAD}\r\n".encode() for path in ("/captures", "/thumbnails/x", "/meters", "/looks")),
    f"POST /settings HTTP/1.1\r\n{HEAD}Content-Length: {len(SETTINGS)}\r\n\r\n".encode() + SETTINGS,
    f"POST /recording HTTP/1.1\r\n{HEAD}Content-Length: 12\r\n\r\n".encode() + b'{"on":false}',
    f"POST /login HTTP/1.1\r\n{HEAD}Transfer-Encoding: chunked\r\n\r\n".encode() + b'd\r\n{"token":"x"}\r\n0\r\n\r\n',
    (
        f"GET /watch HTTP/1.1\r\n{HEAD}Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    ).encode()
    + b"\x81\x85\x00\x00\x00\x00hello",
]
WISHES = [
    '{"looks": [{"show": "fused"}]}',
    '{"looks": [{"show": "visible", "colours": "inferno"}, {"show": "infrared", "colours": "turbo"}]}',
    '{"looks": [{"show": "alignment"}], "after": 3}',
]


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[LiveRig]:
    synthetic = "synthetic://?width=32&height=32"
    with live_rig(tmp_path, tuner=AdjustableRig(Rig.from_addresses(synthetic, synthetic))) as running:
        yield running


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    caplog.set_level(logging.DEBUG, "coconet.run")
    yield
    said = capfd.readouterr()
    assert "Traceback" not in "".join((caplog.text, said.out, said.err))
    assert not [record for record in caplog.records if record.exc_info]
    assert (bytes_in(Path("/proc/self/status"), "VmRSS") or 0) < MOST_BYTES


def answer_within(url: str, request: bytes) -> int:
    """Send bytes; the status of what comes back before the other side closes, 0 for none.

    Half a request is left alone after a fifth of a second, rather than after the page's own 10 s.
    """
    address, answer, patient = urlsplit(url), b"", True
    with (
        suppress(ConnectionError),
        socket.create_connection((address.hostname or "", address.port or 0), HANG_S) as connection,
    ):
        connection.sendall(request)
        connection.settimeout(_GLANCE_S)
        while True:
            try:
                if not (data := connection.recv(65536)):
                    break
                answer += data
            except TimeoutError:
                assert patient, f"no end within {HANG_S:g} s"
                patient = False
                connection.settimeout(HANG_S)
                connection.shutdown(socket.SHUT_WR)
    return status_of(answer)


def test_damaged_requests(rig: LiveRig) -> None:
    told = Counter[int]()
    for seed in range(CASES):
        rng = random.Random(seed)  # noqa: S311  the same damage at every run
        told[answer_within(rig.page.url, damaged(rng.choice(REQUESTS), rng, 1))] += 1
    print(f"{CASES} requests by status: {dict(told)}")
    assert not [status for status in told if status >= 500 and status != 503]
    assert len(told) > 1
    assert rig.ask("GET", "/healthz")[0] == 200
    assert rig.goes_on()


def message(seed: int) -> tuple[bytes, bool]:
    """A damaged wish, and whether it is sent as text."""
    rng = random.Random(seed)  # noqa: S311  the same damage at every run
    wish = rng.choice(WISHES)
    return damaged_text(wish, rng) if seed % 2 else damaged(wish.encode(), rng, 1), rng.random() < 0.9


def reply_to(viewer: Connection, wish: bytes, as_text: bool) -> str:
    """`open` where the viewer may go on, `closed` where the page hangs up."""
    try:
        viewer.send(wish.decode(errors="replace") if as_text else wish)
        viewer.recv(timeout=HANG_S)  # a TimeoutError is a hang
    except WebSocketException:
        return "closed"
    return "open"


def test_damaged_messages(rig: LiveRig) -> None:
    address, told = f"ws://{urlsplit(rig.page.url).netloc}/watch", Counter[str]()
    seeds = iter(range(CASES))
    while told.total() < CASES:
        with connect(address, proxy=None, max_size=None) as viewer:
            for seed in seeds:
                told[reply := reply_to(viewer, *message(seed))] += 1
                if reply == "closed":
                    break
    print(f"{CASES} messages: {dict(told)}")
    assert told["closed"] > 0
    assert rig.goes_on()
