"""Connections that take their time: they shut nobody out, and are given up."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from pathlib import Path
from threading import Event, Thread
from urllib.parse import urlsplit

import pytest
from packaging.version import Version

from coconet.runtime.viewers import connections
from coconet.runtime.viewers.connections import MAX_CONNECTIONS, MAX_PER_ADDRESS, PROBE_PLACES
from tests.support.rigs.live_rig import LiveRig, live_rig, until

HEAD = b"GET /vitals HTTP/1.1\r\nHost: localhost\r\n"
LONG = "20260102T030405-006Z.mp4"
BODY = b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000\r\n\r\n"

LEFT_TO_PYTHON = (
    ("ignore:.*Exception ignored in.*FileIO:pytest.PytestUnraisableExceptionWarning",)
    if Version(version("starlette")) < Version("1.10")
    else ()
)
"""The Starlette of Python 3.10 leaves the file of a broken download to Python, which closes it and complains."""


@contextmanager
def dripping(rig: LiveRig, count: int, first: bytes, source: str = "127.0.0.1") -> Iterator[list[socket.socket]]:
    """Open connections that send `first`, and then a byte each again and again."""
    address = urlsplit(rig.page.url)
    with ExitStack() as stack:
        open_ones, leaving = [], Event()
        for number in range(count):
            place = (source.format(number + 10), 0)
            made = socket.create_connection((address.hostname or "", address.port or 0), 20, place)
            open_ones.append(stack.enter_context(made))
            made.sendall(first)
            made.setblocking(False)
        thread = Thread(target=_drip, args=(open_ones, leaving))
        thread.start()
        try:
            yield open_ones
        finally:
            leaving.set()
            thread.join()


def _drip(open_ones: list[socket.socket], leaving: Event) -> None:
    while not leaving.wait(0.1):
        for one in open_ones:
            _try(lambda one=one: one.send(b"a"))  # type: ignore[misc]


def _try(act: Callable[[], object]) -> bool:
    try:
        act()
    except BlockingIOError:
        return True
    except OSError:
        return False
    return True


def closed(one: socket.socket) -> bool:
    """Whether the page has closed a connection, whatever it has answered before."""
    try:
        while one.recv(65536):
            pass
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


@pytest.mark.parametrize(
    "first", [b"", b"G", HEAD, BODY, b"POST /snapshot HTTP/1.1\r\nHost: [\r\nContent-Length: 900\r\n\r\n"]
)
@pytest.mark.parametrize("source", ["127.0.0.1", "127.0.0.9", "127.0.0.{}"])
def test_slow_connections_shut_nobody_out(first: bytes, source: str, tmp_path: Path) -> None:
    with live_rig(tmp_path) as rig, dripping(rig, MAX_CONNECTIONS + 20, first, source):
        for path in ("/healthz", "/readyz", "/metrics", "/vitals", "/"):
            # A busy machine may leave the cameras late for a moment, which is 503 of /healthz and /readyz.
            assert until(lambda path=path: rig.ask("GET", path)[0] == 200)  # type: ignore[misc]
        assert rig.goes_on()


def test_of_one_address_not_all_places_are_taken(tmp_path: Path) -> None:
    with live_rig(tmp_path) as rig, dripping(rig, MAX_CONNECTIONS, HEAD, "127.0.0.9") as slow:
        assert until(lambda: sum(map(closed, slow)) >= MAX_CONNECTIONS - MAX_PER_ADDRESS)


@pytest.mark.parametrize("first", [b"", HEAD, BODY])
def test_a_request_that_does_not_arrive_is_given_up(
    first: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "_REQUEST_S", 0.5)
    with live_rig(tmp_path) as rig, dripping(rig, 3, first) as slow:
        assert until(lambda: all(map(closed, slow)))


def test_a_second_request_on_a_connection_has_a_deadline_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_REQUEST_S", 1.0)
    with live_rig(tmp_path) as rig, dripping(rig, 1, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /x") as slow:
        assert until(lambda: closed(slow[0]))


@pytest.mark.filterwarnings(*LEFT_TO_PYTHON)
def test_while_every_place_is_in_use_monitors_are_answered_and_others_put_off(tmp_path: Path) -> None:
    (tmp_path / LONG).write_bytes(bytes(64 << 20))
    fetch = f"GET /captures/{LONG} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    with live_rig(tmp_path) as rig, dripping(rig, MAX_PER_ADDRESS, fetch) as busy:
        assert until(lambda: all(map(_has_an_answer, busy)))
        with dripping(rig, 3 * PROBE_PLACES, HEAD):
            for _ in range(5):
                told = [rig.ask("GET", path)[0] for path in ("/healthz", "/readyz", "/metrics", "/vitals")]
                assert told == [200, 200, 200, 503]


def _has_an_answer(one: socket.socket) -> bool:
    try:
        return bool(one.recv(1, socket.MSG_PEEK))
    except BlockingIOError:
        return False


def test_a_reader_that_takes_nothing_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_STUCK_S", 0.5)
    (tmp_path / LONG).write_bytes(bytes(64 << 20))
    with live_rig(tmp_path) as rig:
        address = urlsplit(rig.page.url)
        with socket.create_connection((address.hostname or "", address.port or 0), 20) as stuck:
            stuck.sendall(f"GET /captures/{LONG} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            assert stuck.recv(1)
            assert until(lambda: not _try(lambda: stuck.send(b"\r\n")))
