"""Floods of what costs more to read than to send: they end their connection early, and everybody else is answered."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from coconet.runtime.viewers import connections
from coconet.runtime.viewers.connections import FREE_CHUNKS, LARGEST_HEAD, MAX_FRAMES, MAX_HEADER_LINES
from coconet.runtime.viewers.web_app import MAX_VIEWERS
from tests.support.programs.patience import PATIENCE_S
from tests.support.rigs.live_rig import LiveRig, live_rig
from tests.support.servers.raw_http import answer_to, status_of

UPGRADE = (
    b"GET /watch HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
MASK = b"\x80\0\0\0\0"  # of an empty frame
TEXT_BEGINS, GOES_ON, PING, PONG = b"\x01" + MASK, b"\x00" + MASK, b"\x89" + MASK, b"\x8a" + MASK
POLICY = (1008).to_bytes(2, "big") + b"Too many frames."


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveRig]:
    with live_rig(tmp_path_factory.mktemp("captures")) as running:
        yield running


@contextmanager
def watching(rig: LiveRig) -> Iterator[socket.socket]:
    """A WebSocket as bytes, after the handshake."""
    address = urlsplit(rig.page.url)
    with socket.create_connection((address.hostname or "", address.port or 0), PATIENCE_S) as viewer:
        viewer.sendall(UPGRADE)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += viewer.recv(1)
        assert status_of(answer) == 101
        yield viewer


def told(viewer: socket.socket) -> bytes:
    """What comes until the page hangs up."""
    answer = b""
    with suppress(ConnectionError):
        while data := viewer.recv(65536):
            answer += data
    return answer


@pytest.mark.parametrize("frame", [GOES_ON, PING, PONG])
def test_a_flood_of_frames_is_cut_off(rig: LiveRig, frame: bytes) -> None:
    with watching(rig) as viewer:
        with suppress(ConnectionError):
            viewer.sendall(TEXT_BEGINS + frame * 600_000)
        told(viewer)  # comes to its end
    assert rig.ask("GET", "/healthz")[0] == 200


@pytest.mark.parametrize("frame", [GOES_ON, PING, PONG])
def test_too_many_frames_are_a_breach_of_policy(rig: LiveRig, frame: bytes) -> None:
    with watching(rig) as viewer:
        viewer.sendall(TEXT_BEGINS + frame * (2 * MAX_FRAMES))
        assert POLICY in told(viewer)


def test_probes_are_answered_beside_as_many_floods_as_there_are_viewers(rig: LiveRig) -> None:
    with ExitStack() as stack:
        viewers = [stack.enter_context(watching(rig)) for _ in range(MAX_VIEWERS)]
        for viewer in viewers:
            viewer.setblocking(False)
            viewer.send(TEXT_BEGINS + GOES_ON * 10_000)
        for path in ("/healthz", "/readyz", "/metrics"):
            assert rig.ask("GET", path)[0] == 200
    assert rig.goes_on()


def test_a_message_in_many_fragments_is_read(rig: LiveRig) -> None:
    wish = b'{"looks":[{"show":"fused"}]}'
    parts = [bytes((kind, 0x81)) + bytes(4) + wish[at : at + 1] for at, kind in enumerate([1, *[0] * (len(wish) - 1)])]
    with watching(rig) as viewer:
        viewer.sendall(b"".join(parts) + b"\x80" + MASK)
        picture = viewer.recv(65536)
        assert b'"views": ["fused"]' in picture + viewer.recv(65536)


CHUNKED = b"POST {} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize("path", [b"/login", b"/healthz", b"/settings"])
def test_a_body_of_tiny_chunks_is_refused(rig: LiveRig, path: bytes) -> None:
    answer = answer_to(rig.page.url, CHUNKED.replace(b"{}", path) + b"1\r\nx\r\n" * (FREE_CHUNKS + 1))
    assert status_of(answer) in (400, 405)


def test_a_body_of_a_few_chunks_or_of_large_ones_is_read(rig: LiveRig) -> None:
    for chunks in (
        b"1\r\n{\r\n1\r\n}\r\n",
        b"64\r\n" + b" " * 100 + b"\r\n" + b"40\r\n" + b" " * 64 + b"\r\n" + b"2\r\n{}\r\n",
    ):
        answer = answer_to(rig.page.url, CHUNKED.replace(b"{}", b"/login") + chunks + b"0\r\n\r\n")
        assert status_of(answer) == 401


def test_a_request_of_thousands_of_headers_is_refused(rig: LiveRig) -> None:
    for lines, status in ((MAX_HEADER_LINES - 10, 200), (MAX_HEADER_LINES, 400), (3000, 400)):
        request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + b"a: b\r\n" * lines + b"\r\n"
        assert status_of(answer_to(rig.page.url, request)) == status


@pytest.mark.parametrize("line", [b"GET /healthz?%s HTTP/1.1\r\n", b"GET /healthz HTTP/1.1\r\nCookie: %s\r\n"])
def test_a_large_head_is_refused_even_if_it_comes_in_one_piece(rig: LiveRig, line: bytes) -> None:
    for length, status in ((LARGEST_HEAD - 200, 200), (LARGEST_HEAD, 400), (3 * LARGEST_HEAD, 400)):
        request = line % (b"a" * length) + b"Host: localhost\r\nConnection: close\r\n\r\n"
        assert status_of(answer_to(rig.page.url, request)) == status


def test_a_body_that_goes_on_after_its_answer_is_not_read_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "_LEFTOVER_S", 0.2)
    begun = b"POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 90000000\r\n\r\n"
    with live_rig(tmp_path) as rig:
        answer = answer_to(rig.page.url, begun + b"x" * 100_000)
        assert status_of(answer) in (404, 413)
        assert rig.goes_on()
