"""A small reverse proxy that serves a page under a prefix, as nginx does with `location /rig/ { proxy_pass ...; }`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread
from urllib.parse import urlsplit

from tests.support.programs.patience import PATIENCE_S


@contextmanager
def prefix_proxy(target: str, prefix: str) -> Iterator[str]:
    """Serve `target` under a prefix inside the block; gives the address of the page there. Nothing else is served."""
    ready, ended = Event(), Event()
    told: list[str] = []
    thread = Thread(target=lambda: asyncio.run(_serve(target, prefix, told, ready, ended)))
    thread.start()
    try:
        assert ready.wait(PATIENCE_S)
        yield told[0]
    finally:
        ended.set()
        thread.join()


async def _serve(target: str, prefix: str, told: list[str], ready: Event, ended: Event) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await _pass_on(reader, writer, target, prefix)
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    told.append(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}{prefix}/")
    ready.set()
    await asyncio.to_thread(ended.wait)
    server.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: str, prefix: str) -> None:
    """Pass one request on, without its prefix and with its Host, and whatever follows on the connection both ways."""
    head = await reader.readuntil(b"\r\n\r\n")
    method, path, rest = head.split(b" ", 2)
    if not path.startswith(f"{prefix}/".encode()):
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        return
    address = urlsplit(target)
    there_reader, there_writer = await asyncio.open_connection(address.hostname, address.port)
    if b"upgrade: websocket" not in rest.lower():
        rest = rest.replace(b"Connection: keep-alive", b"Connection: close")
    there_writer.write(b" ".join((method, path[len(prefix) :], rest)))
    await asyncio.wait(
        [asyncio.create_task(_copy(reader, there_writer)), asyncio.create_task(_copy(there_reader, writer))],
        return_when=asyncio.FIRST_COMPLETED,
    )
    there_writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
