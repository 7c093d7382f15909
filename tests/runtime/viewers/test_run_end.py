"""How a run ended is told to those who watch, whether they wait for a picture or not."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from coconet.errors import CoconetError
from coconet.runtime.loop.run_stats import RunStats
from coconet.runtime.rig.live_settings import AdjustableRig
from coconet.runtime.rig.rig_file import Rig
from coconet.runtime.viewers.latest_frame import LatestFrame, NumberedFrame
from coconet.runtime.viewers.live_page import LivePage, PageSettings

WISH = '{"looks": [{}]}'


def page_of(folder: Path, address: str, stop: Event | None = None) -> LivePage:
    tuner = AdjustableRig(Rig.from_addresses(address, address))
    return LivePage(RunStats(), PageSettings(port=0, captures=folder / "captures"), tuner, stop=stop)


def watching(page: LivePage) -> ClientConnection:
    viewer: ClientConnection = connect(f"ws://{urlsplit(page.url).netloc}/watch", compression=None, proxy=None)
    return viewer


def end_of(viewer: ClientConnection) -> tuple[int, str]:
    with pytest.raises(ConnectionClosed) as closed:
        viewer.recv(20)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code, closed.value.rcvd.reason


@pytest.mark.parametrize("wishes", [0, 1])
def test_viewers_of_a_recording_are_told_that_it_has_ended(tmp_path: Path, wishes: int) -> None:
    with ExitStack() as stack:
        with page_of(tmp_path, str(tmp_path)) as page:
            viewer = stack.enter_context(watching(page))
            for _ in range(wishes):
                viewer.send(WISH)
        assert end_of(viewer) == (1000, "The recording has ended.")


def test_a_run_that_is_stopped_and_one_of_cameras_are_told_apart(tmp_path: Path) -> None:
    stop = Event()
    for words in ("The run has ended.", "The run was stopped."):
        with ExitStack() as stack:
            with page_of(tmp_path, "synthetic://", stop) as page:
                viewer = stack.enter_context(watching(page))
            assert end_of(viewer) == (1000, words)
        stop.set()


def test_viewers_hear_why_a_run_ended_also_when_the_server_ends_before_their_turn_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer_than = LatestFrame.newer_than

    async def late(self: LatestFrame, serial: int) -> NumberedFrame:
        try:
            return await newer_than(self, serial)
        finally:
            await asyncio.sleep(0.3)  # the server looks ten times a second whether it is to end

    monkeypatch.setattr(LatestFrame, "newer_than", late)
    with ExitStack() as stack:
        with page_of(tmp_path, "synthetic://") as page:
            viewer = stack.enter_context(watching(page))
        assert end_of(viewer) == (1000, "The run has ended.")


def test_a_run_that_fails_says_where_to_look(tmp_path: Path) -> None:
    with ExitStack() as stack:
        page = page_of(tmp_path, "synthetic://").__enter__()
        viewer = stack.enter_context(watching(page))
        page.__exit__(CoconetError, None, None)
        assert end_of(viewer) == (1000, "The run ended with an error, which its log names.")
