"""Requests that no browser sends: refused with a status, careful headers and hardly a line of the log."""

from __future__ import annotations

import logging
import random
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from coconet.runtime.loop.run_stats import RunStats
from coconet.runtime.rig.live_settings import AdjustableRig
from coconet.runtime.rig.rig_file import Rig
from coconet.runtime.viewers.connections import SAFE_HEADERS
from coconet.runtime.viewers.live_page import LivePage, PageSettings
from tests.support.rigs.live_rig import LiveRig, live_rig
from tests.support.servers.raw_http import answer_to, headers_of, status_of

TOKEN = "correct-horse-battery"  # noqa: S105 - of these tests only
BEARER = {"Authorization": f"Bearer {TOKEN}"}

BAD_HOSTS = [
    "[",
    "]",
    "[::1",
    "[::1]x",
    "a b",
    "a@b",
    "host:port",
    "host:999999",
    "http://host",
    "a/b",
    "\xff",
    "a" * 300,
]
BAD_ORIGINS = [
    "http://[",
    "http://",
    "://",
    "http:",
    "[",
    "\xff",
    "http://a b",
    "http://h:x",
    "javascript:alert(1)",
    "",
]


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveRig]:
    synthetic = "synthetic://?width=32&height=32"
    tuner = AdjustableRig(Rig.from_addresses(synthetic, synthetic))
    with live_rig(tmp_path_factory.mktemp("captures"), tuner=tuner) as running:
        yield running


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveRig]:
    with live_rig(tmp_path_factory.mktemp("captures"), token=TOKEN) as running:
        yield running


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Whatever a test asks, the log gets few lines, and nothing gets a traceback."""
    caplog.set_level(logging.DEBUG, "coconet.run")
    yield
    assert "Traceback" not in "".join((caplog.text, *capfd.readouterr()))
    assert len([record for record in caplog.records if record.levelno >= logging.WARNING]) <= 12
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize("host", BAD_HOSTS)
@pytest.mark.parametrize("headers", [{}, BEARER])
def test_a_host_that_is_none_is_refused_before_and_after_the_token(
    rig: LiveRig, locked: LiveRig, host: str, headers: dict[str, str]
) -> None:
    for one in (rig, locked):
        assert one.ask("GET", "/vitals", headers={**headers, "Host": host})[0] == 400


@pytest.mark.parametrize("origin", BAD_ORIGINS)
@pytest.mark.parametrize("headers", [{}, BEARER])
def test_an_origin_that_is_none_is_refused_before_and_after_the_token(
    rig: LiveRig, locked: LiveRig, origin: str, headers: dict[str, str]
) -> None:
    for one in (rig, locked):
        assert one.ask("POST", "/snapshot", headers={**headers, "Origin": origin})[0] == 400


def test_an_origin_is_the_page_itself_with_or_without_its_usual_port(locked: LiveRig) -> None:
    for origin, host in (("https://Rig.example", "rig.example:443"), ("http://rig.example:80", "rig.example")):
        assert locked.ask("GET", "/vitals", headers={**BEARER, "Origin": origin, "Host": host})[0] == 200
    for origin, host in (("https://rig.example", "rig.example:80"), ("null", "rig.example"), ("http://a", "b")):
        assert locked.ask("GET", "/vitals", headers={**BEARER, "Origin": origin, "Host": host})[0] == 403


@pytest.mark.parametrize("host", ["127.0.0.1:", "LOCALHOST:", "localhost.", "localhost.:8000", "[::1]:", "[0:0::1]:80"])
def test_every_lawful_form_of_this_machines_name_is_answered(rig: LiveRig, host: str) -> None:
    assert rig.ask("GET", "/vitals", headers={"Host": host})[0] == 200
    assert rig.ask("POST", "/snapshot", headers={"Host": host, "Origin": f"http://{host}"})[0] in (200, 429)


TARGETS = [
    (200, "GET http://localhost:8000/vitals HTTP/1.1\r\nHost: other.example\r\nConnection: close\r\n\r\n"),
    (200, "GET HTTP://127.0.0.1/vitals?a=b HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
    (200, "GET http://localhost HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
    (421, "GET http://other.example/vitals HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
    (400, "GET http://[/vitals HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
    (200, "GET /healthz HTTP/1.0\r\n\r\n"),
    (200, "HEAD /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
    (200, "HEAD / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
    (405, "OPTIONS /vitals HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
    (404, "OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
    (101, "GET ws://localhost/watch HTTP/1.1\r\n{}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x88\x80\0\0\0\0"),
]


@pytest.mark.parametrize(("status", "request_text"), TARGETS)
def test_every_lawful_form_of_a_request_is_understood(rig: LiveRig, status: int, request_text: str) -> None:
    text = request_text.format(f"Host: localhost\r\n{KEY}") if "{}" in request_text else request_text
    assert status_of(answer_to(rig.page.url, text.encode("latin-1"))) == status


def test_a_whole_address_as_the_target_gets_past_no_token(locked: LiveRig) -> None:
    for target in ("http://localhost/vitals", "http://localhost/login/../vitals", "http://localhost/"):
        answer = answer_to(locked.page.url, f"GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        assert status_of(answer) in (303, 401, 404)


BAD_BODIES = [
    b'{"\\ud800":{}}',
    b'{"infrared":{"\\udfff":1}}',
    b'{"infrared":"\\ud800"}',
    b'{"infrared":{"contrast":"\\ud800"}}',
]
MORE_BODIES = [
    b'{"infrared":{"offset_ms":NaN}}',
    b'{"infrared":{"offset_ms":1e999}}',
    b'{"infrared":{"offset_ms":-Infinity}}',
]
DEEP_BODIES = [
    b'{"infrared":{"offset_ms":' + b"9" * 5000 + b"}}",
    b'{"infrared":{"agc_percentiles":' + b"[" * 900 + b"]" * 900 + b"}}",
]
ODD_BODIES = [
    b"[" * 8000,
    b"\xed\xa0\x80",
    b'{"visible":null}',
    b'{"alignment":{"homography":[[1e308,0,0],[0,1,0],[0,0,1]]}}',
]


@pytest.mark.parametrize("body", [*BAD_BODIES, *MORE_BODIES, *DEEP_BODIES, *ODD_BODIES])
def test_a_body_that_fits_nothing_is_refused_in_words(rig: LiveRig, body: bytes) -> None:
    status, _, answer = rig.ask("POST", "/settings", body)
    assert (status, answer.isascii(), len(answer) < 1000) == (400, True, True)
    assert re.search(b"must be|is not a|cannot change|is missing|not a known key", answer)


def test_the_token_may_not_be_guessed_with_what_is_no_text(locked: LiveRig) -> None:
    for body in (b'{"token":"\\ud800"}', b'{"token":{"a":1}}', b'{"token":null}', b"{}"):
        assert locked.ask("POST", "/login", body)[0] == 401


UPGRADE = "GET {} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n{}\r\n"
KEY = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

RAW = {
    "a page": (200, "GET /login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
    "a file": (200, "GET /static/page.js HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
    "a probe": (200, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
    "no such page": (404, "GET /static/none HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
    "no such method": (405, "PUT /login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
    "no token": (401, "GET /vitals HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
    "the door": (303, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
    "too long": (413, "POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999\r\nConnection: close\r\n\r\n"),
    "no HTTP": (400, "\x00\x01\x02\r\n\r\n"),
    "no host": (400, "GET / HTTP/1.1\r\n\r\n"),
    "two hosts": (400, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
    "a bad host": (400, "GET / HTTP/1.1\r\nHost: [\r\nConnection: close\r\n\r\n"),
    "a bad length": (400, "POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n"),
    "a socket without a token": (401, UPGRADE.format("/watch", KEY)),
    "a socket of another page": (403, UPGRADE.format("/watch", KEY + "Origin: http://evil.example\r\n")),
    "a socket of a bad origin": (400, UPGRADE.format("/watch", KEY + "Origin: http://[\r\n")),
    "a socket nowhere": (401, UPGRADE.format("/none", KEY)),
    "a socket nowhere behind the door": (
        403,
        UPGRADE.format("/login/none", KEY + f"Authorization: Bearer {TOKEN}\r\n"),
    ),
    "a socket without a key": (400, UPGRADE.format("/watch", "")),
    "a socket of another version": (400, UPGRADE.format("/watch", KEY.replace("13", "7"))),
}


@pytest.mark.parametrize("kind", RAW)
def test_every_answer_has_careful_headers(locked: LiveRig, kind: str) -> None:
    status, request = RAW[kind]
    answer = answer_to(locked.page.url, request.encode("latin-1"))
    assert status_of(answer) == status
    headers = headers_of(answer)
    assert {name: headers.get(name.lower()) for name in SAFE_HEADERS} == SAFE_HEADERS
    assert answer.lower().count(b"\r\nx-frame-options:") == 1


def test_an_unexpected_error_is_an_answer_and_one_line(
    rig: LiveRig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails() -> None:
        raise RuntimeError("rtsp://me:secret@host")

    monkeypatch.setattr(rig.page.view.gauge, "vitals", fails)
    told = [rig.ask("GET", "/vitals") for _ in range(30)]
    assert {status for status, _, _ in told} == {500}
    assert {headers["x-frame-options"] for _, headers, _ in told} == {"DENY"}
    lines = [record for record in caplog.records if record.getMessage() == "page failed"]
    assert 1 <= len(lines) <= 6
    assert "RuntimeError in test_hostile_requests.py, fails" in str(vars(lines[0])["fields"])
    assert b"secret" not in b"".join(body for _, _, body in told)


@pytest.mark.parametrize("host", ["127.0.0.2", "[::1]", "::1", "localhost", "LOCALHOST"])
def test_every_name_of_this_machine_serves_the_page_to_itself(host: str, tmp_path: Path) -> None:
    with live_rig(tmp_path, page=PageSettings(host, 0, captures=tmp_path)) as rig:
        assert rig.ask("GET", "/vitals")[0] == 200
        assert rig.ask("GET", "/vitals", headers={"Host": "evil.example"})[0] == 421


@pytest.mark.parametrize("host", ["a" * 300, "a\0b", "no such host", "\udcff", "..", "192.0.2.1"])
def test_a_host_that_is_none_of_this_machines_is_refused_in_words(host: str) -> None:
    page = LivePage(RunStats(), PageSettings(host, 0, TOKEN))
    with pytest.raises(Exception, match="cannot be opened"), page:
        pass


def test_requests_cut_and_spoilt_at_random_leave_the_page_as_it_was(rig: LiveRig) -> None:
    rng = random.Random(7)  # noqa: S311 - the same requests at every run
    sound = [request.encode("latin-1") for _, request in RAW.values()]
    for _ in range(300):
        request = bytearray(rng.choice(sound))
        for _ in range(rng.randrange(1, 6)):
            request[rng.randrange(len(request))] = rng.randrange(256)
        answer = answer_to(rig.page.url, bytes(request[: rng.randrange(1, len(request) + 1)]) + b"\r\n\r\n\r\n", 15)
        assert status_of(answer) in (0, 101, 200, 303, 400, 401, 403, 404, 405, 413, 421)
    assert rig.goes_on()
    assert rig.ask("GET", "/vitals")[0] == 200


WISHES = ['{"looks":[{"show":"fused"}]}', '{"looks":[{"show":"infrared"},{"show":"visible"}]}', "[]", "\\ud800"]


def code_after(url: str, message: bytes, *, text: bool) -> int:
    """Send one message to the page; the code it closes with, 0 where it answers."""
    with connect(f"ws://{urlsplit(url).netloc}/watch", compression=None, proxy=None) as viewer:
        try:
            viewer.send(message, text=text)
            viewer.recv(20)
        except ConnectionClosed as closing:
            return 0 if closing.rcvd is None else closing.rcvd.code
    return 0


def test_wishes_spoilt_at_random_end_only_their_connection(rig: LiveRig) -> None:
    rng = random.Random(8)  # noqa: S311 - the same messages at every run
    codes = set()
    for _ in range(120):
        message = bytearray(rng.choice(WISHES).encode())
        for _ in range(rng.randrange(4)):
            message[rng.randrange(len(message))] = rng.randrange(256)
        codes.add(code_after(rig.page.url, bytes(message), text=rng.random() < 0.8))
    assert codes == {0, 1003, 1007}
    assert rig.goes_on()
