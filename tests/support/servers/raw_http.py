"""HTTP as bytes: what no client library would send, and what comes back."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

from tests.support.programs.patience import PATIENCE_S


def answer_to(url: str, request: bytes, patience_s: float = PATIENCE_S) -> bytes:
    """Send bytes over one connection and read until the other side closes it; what has come when it is cut."""
    address = urlsplit(url)
    answer = b""
    with socket.create_connection((address.hostname or "", address.port or 0), patience_s) as connection:
        try:
            connection.sendall(request)
            while data := connection.recv(65536):
                answer += data
        except ConnectionError:
            pass
    return answer


def status_of(answer: bytes) -> int:
    """The status of an answer; 0 for none."""
    words = answer.split(b" ", 2)
    return int(words[1]) if len(words) > 1 and words[0].startswith(b"HTTP/1.") else 0


def headers_of(answer: bytes) -> dict[str, str]:
    """The headers of an answer, with names in small letters."""
    lines = answer.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
    return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
