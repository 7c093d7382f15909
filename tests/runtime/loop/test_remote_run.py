"""A live rig whose model is on a server, over a link that fails: every picture is of its own pair, or says why not."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event, Thread
from urllib.parse import urlsplit

import numpy as np
import pytest

from coconet.runtime.backends.backend import Backend
from coconet.runtime.backends.choice import choose_backend
from coconet.runtime.backends.remote.backend import RemoteBackend
from coconet.runtime.backends.remote.server_address import ServerAddress
from coconet.runtime.backends.rules.baseline import BaselineBackend
from coconet.runtime.frame import FusedFrame
from coconet.runtime.loop.pipeline import Ending, run_pipeline
from coconet.runtime.loop.run_stats import RunStats
from coconet.runtime.pairing.live_pairs import pair_live_cameras
from coconet.runtime.serving.fusion_queue import QueueLimits
from coconet.runtime.serving.model_server import ModelServer, ServerSettings, open_served
from coconet.runtime.sinks.sink import NoSink
from tests.support.models.tiny_onnx import write_averaging_model
from tests.support.programs.patience import PATIENCE_S
from tests.support.rigs.live_rig import SmallCamera
from tests.support.servers.bad_link import BadLink, bad_link

SERVED = "served"  # the name of the model on the server; that of its network is tiny


class Shown:
    """What a run has shown, frame by frame."""

    def __init__(self, gauge: RunStats) -> None:
        self.frames, self.gauge = list[FusedFrame](), gauge
        gauge.on_frame(self.frames.append)

    def next_frames(self, wanted: Callable[[FusedFrame], bool]) -> None:
        """Wait until a frame that was not there before is as wanted."""
        begun, ended_s = len(self.frames), time.monotonic() + PATIENCE_S
        while not any(map(wanted, self.frames[begun:])):
            assert time.monotonic() < ended_s
            time.sleep(0.01)


@contextmanager
def running(link: BadLink, local: Backend | None, late_s: float) -> Iterator[Shown]:
    """Fuse two live cameras on the server behind the link inside the block."""
    stop, gauge = Event(), RunStats()
    shown = Shown(gauge)
    cameras = SmallCamera("visible", 3), SmallCamera("infrared", 1)
    with closing(RemoteBackend(ServerAddress("127.0.0.1", link.port, SERVED), local, 3, late_s)) as backend:

        def fuse() -> None:
            with pair_live_cameras(*cameras) as pairs:
                run_pipeline(pairs, backend, NoSink(), ending=Ending(stop=stop), gauge=gauge)

        thread = Thread(target=fuse)
        thread.start()
        try:
            yield shown
        finally:
            stop.set()
            thread.join(PATIENCE_S)
            assert not thread.is_alive()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    model = write_averaging_model(tmp_path_factory.mktemp("model") / "tiny.onnx")
    choice, limits = choose_backend(Path(model), "ort"), QueueLimits(deadline_s=PATIENCE_S)
    with ModelServer(SERVED, lambda: open_served(choice), ServerSettings(port=0, limits=limits)) as made:
        address = urlsplit(made.url)
        yield address.hostname or "", address.port or 0


def is_of_its_own_pair(frame: FusedFrame) -> bool:
    """Whether a picture is the mean of its own pair, whose bar is elsewhere in every other; of frames with no badge."""
    expected = BaselineBackend("average").fuse(
        np.asarray(frame.pair.visible.pixels, np.uint8), np.asarray(frame.pair.infrared.pixels, np.uint8)
    )
    return bool(np.abs(frame.pixels.astype(int) - expected.astype(int)).max() <= 1)


def from_server(frame: FusedFrame) -> bool:
    return not frame.pair.notice and not frame.pair.missing


def test_no_frame_is_ever_stale_and_the_local_model_takes_over_and_gives_back(server: tuple[str, int]) -> None:
    with bad_link(server) as link, running(link, BaselineBackend("maximum"), 5.0) as shown:
        shown.next_frames(from_server)
        link.cut()
        shown.next_frames(lambda frame: "server lost, maximum takes over" in frame.pair.notice)
        vitals = shown.gauge.vitals()
        assert vitals is not None
        assert vitals.model_trouble
        link.repair()
        shown.next_frames(from_server)
    assert all(is_of_its_own_pair(frame) for frame in shown.frames if from_server(frame))
    assert all(not frame.pair.missing for frame in shown.frames)
    told = shown.gauge.figures()
    assert told.without_server == 0 < told.taken_over
    assert told.server_losses >= 1
    stamps = [frame.pair.timestamp_ns for frame in shown.frames]
    assert stamps == sorted(set(stamps))


def test_the_report_names_the_model_of_a_server_that_was_down_at_the_start(server: tuple[str, int]) -> None:
    with bad_link(server) as link:
        link.cut()
        with running(link, BaselineBackend("maximum"), PATIENCE_S) as shown:
            shown.next_frames(lambda frame: "maximum takes over" in frame.pair.notice)
            before = shown.gauge.figures().model
            link.repair()
            shown.next_frames(from_server)
    assert (before, shown.gauge.figures().model) == (SERVED, "tiny")


def test_without_a_local_model_the_visible_picture_says_that_the_server_is_lost(server: tuple[str, int]) -> None:
    with bad_link(server) as link, running(link, None, 0.1) as shown:
        link.silent.set()
        shown.next_frames(lambda frame: frame.pair.notice == "server lost: it does not answer")
        lost = shown.frames[-1]
        link.repair()
        shown.next_frames(from_server)
    figures = shown.gauge.figures()
    unserved = [frame for frame in shown.frames if frame.without_server]
    assert figures.without_server == len(unserved) > 0
    assert figures.passed_through == sum(bool(frame.pair.missing) for frame in shown.frames)
    assert all("server lost" in frame.pair.notice for frame in unserved)
    assert figures.server_losses >= 1
    assert 0 < figures.server_lost_s < figures.seconds
    assert lost.pair.missing == {"infrared"}
    assert (lost.pixels[-1] == lost.pair.visible.pixels[-1]).all()
    assert all(is_of_its_own_pair(frame) for frame in shown.frames if from_server(frame))
