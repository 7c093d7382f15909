"""A thousand connections: most are refused, silent ones are given up, and the loop goes on."""

from __future__ import annotations

import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from coconet.runtime.viewers import connections
from coconet.runtime.viewers.connections import MAX_CONNECTIONS
from tests.support.rigs.live_rig import live_rig, until

CROWD = 1000


@pytest.fixture
def many_handles() -> Iterator[None]:
    """Both ends of every connection are in this process."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limits[1] < 2 * CROWD:
        pytest.skip(f"this machine allows {limits[1]} open files, wanted {2 * CROWD}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (limits[1], limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def closed(connection: socket.socket) -> bool:
    """Whether the other side has ended a connection on which it never says anything."""
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


@pytest.mark.slow
@pytest.mark.usefixtures("many_handles")
def test_of_a_thousand_silent_connections_few_stay_and_not_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "_REQUEST_S", 3.0)
    with live_rig(tmp_path) as rig, ExitStack() as stack:
        address, crowd = urlsplit(rig.page.url), []
        for _ in range(CROWD):
            crowd.append(stack.enter_context(socket.create_connection((address.hostname or "", address.port or 0), 20)))
            crowd[-1].setblocking(False)
        assert until(lambda: sum(map(closed, crowd)) >= CROWD - MAX_CONNECTIONS)
        assert rig.goes_on()
        assert until(lambda: rig.ask("GET", "/vitals")[0] == 200)
        assert until(lambda: all(map(closed, crowd)))
