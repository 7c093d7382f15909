"""Bodies that are read straight into memory, and those that come the usual way, as clients meet them."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from threading import Semaphore
from urllib.parse import urlsplit

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from coconet.runtime.serving import whole_body as bodies
from coconet.runtime.serving.whole_body import BodyHttp, whole_body
from coconet.runtime.viewers import connections
from coconet.runtime.viewers.web_server import WebServer
from tests.support.programs.patience import PATIENCE_S
from tests.support.servers.raw_http import answer_to, status_of

LARGEST = 100_000

BODY = bytes(range(250)) * 300

HEAD = b"POST / HTTP/1.1\r\nHost: localhost\r\n"

LAST = b"Connection: close\r\n"


class Asked:
    """Server of bodies that tells when one begins to be read."""

    def __init__(self) -> None:
        self.begun = Semaphore(0)
        self.server = WebServer(Starlette(routes=[Route("/", self._told, methods=["POST"])]), "127.0.0.1", 0, BodyHttp)

    async def _told(self, request: Request) -> Response:
        self.begun.release()
        body = await whole_body(request, LARGEST)
        return PlainTextResponse(f"{type(body.obj).__name__} {len(body)} {sum(body)}\n")


@pytest.fixture
def asked() -> Iterator[Asked]:
    found = Asked()
    with found.server:
        yield found


def connected(server: WebServer) -> socket.socket:
    address = urlsplit(server.url)
    return socket.create_connection((address.hostname or "", address.port or 0), PATIENCE_S)


def sized(body: bytes, *more: bytes) -> bytes:
    return HEAD + b"Content-Length: %d\r\n" % len(body) + b"".join(more) + b"\r\n"


def as_told(kind: str, body: bytes) -> bytes:
    return f"{kind} {len(body)} {sum(body)}\n".encode()


def answer_in_pieces(asked: Asked, *pieces: bytes) -> bytes:
    """Send pieces, each after the first one when the server begins to read another body, and read to the end."""
    found = b""
    with connected(asked.server) as client:
        for number, piece in enumerate(pieces):
            assert not number or asked.begun.acquire(timeout=PATIENCE_S)
            client.sendall(piece)
        while data := client.recv(65536):
            found += data
    return found


def test_a_body_of_known_length_is_read_into_one_piece_of_memory(asked: Asked) -> None:
    assert answer_in_pieces(asked, sized(BODY, LAST) + BODY[:10], BODY[10:]).endswith(as_told("ndarray", BODY))


def test_requests_behind_a_body_are_answered_each_in_its_turn(asked: Asked) -> None:
    pieces = sized(BODY) + BODY[:10], BODY[10:] + sized(b"abc"), b"abc" + sized(BODY, LAST), BODY
    answers = answer_in_pieces(asked, *pieces)
    texts = [as_told("ndarray", BODY), as_told("ndarray", b"abc"), as_told("ndarray", BODY)]
    places = [answers.index(texts[0]), answers.index(texts[1]), answers.rindex(texts[2])]
    assert places == sorted(set(places))
    assert answers.count(b"HTTP/1.1 200") == 3


def test_chunks_and_bodies_beyond_the_limit_come_the_usual_way(asked: Asked) -> None:
    chunks = b"%x\r\n" % len(BODY) + BODY + b"\r\n0\r\n\r\n"
    assert answer_in_pieces(asked, HEAD + LAST + b"Transfer-Encoding: chunked\r\n\r\n", chunks).endswith(
        as_told("bytes", BODY)
    )
    long = BODY * 2
    assert answer_in_pieces(asked, sized(long, LAST), long).endswith(as_told("bytes", long))


def test_a_client_that_waits_for_leave_gets_it(asked: Asked) -> None:
    with connected(asked.server) as client:
        client.sendall(sized(BODY, LAST, b"Expect: 100-continue\r\n"))
        assert client.recv(65536).startswith(b"HTTP/1.1 100")
        client.sendall(BODY)
        assert client.recv(65536).startswith(b"HTTP/1.1 200")


def test_a_body_that_breaks_off_is_forgotten_and_others_are_answered(asked: Asked) -> None:
    with connected(asked.server) as client:
        client.sendall(sized(BODY) + BODY[:100])
        client.shutdown(socket.SHUT_WR)
        assert client.recv(65536) == b""
    assert status_of(answer_to(asked.server.url, sized(BODY, LAST) + BODY)) == 200


def test_a_body_that_does_not_come_is_given_up(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_REQUEST_S", 0.3)
    with connected(asked.server) as client:
        client.sendall(sized(BODY) + BODY[:100])
        assert client.recv(65536) == b""


def test_a_body_that_h11_keeps_elsewhere_comes_the_usual_way(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies.BodyHttp, "_left", lambda http: 0)
    assert answer_to(asked.server.url, sized(BODY, LAST) + BODY).endswith(as_told("bytes", BODY))
