"""Two real RTSP servers on this machine as the cameras of a rig; GStreamer's server has to be installed.

On Debian: apt install python3-gi gir1.2-gst-rtsp-server-1.0 gir1.2-gst-plugins-base-1.0, and the packages
gstreamer1.0-plugins-base, -good and -bad.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from threading import Event

import numpy as np
import pytest

from coconet.errors import CoconetError
from coconet.runtime.backends.rules.baseline import BaselineBackend
from coconet.runtime.cameras.open_camera import open_camera
from coconet.runtime.frame import FramePair, Side
from coconet.runtime.loop.pipeline import fuse_pair
from coconet.runtime.pairing.pair_stream import PairStream
from coconet.runtime.rig.camera_facts import probe_camera
from coconet.runtime.rig.open_rig import open_rig
from coconet.runtime.rig.recorder import RecordingLimit, record_rig
from coconet.runtime.rig.rig_file import Rig
from tests.support.cameras.rtsp_rig import Log, Server, servers_there, synthetic, write_jpegs
from tests.support.programs.patience import PATIENCE_S

pytestmark = pytest.mark.skipif(not servers_there(), reason="GStreamer's RTSP server and its Python are not installed")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("rtsp")
    sides: tuple[Side, Side] = ("visible", "infrared")
    return {side: write_jpegs(root / side, synthetic(side, 25, 2)) for side in sides}


@pytest.fixture
def servers(pictures: dict[str, Path]) -> Iterator[tuple[Server, Server]]:
    """A visible camera of 30 fps, and an infrared one of 25 whose pictures are up to 15 ms late."""
    both = Server(pictures["visible"], 30, 0), Server(pictures["infrared"], 25, 15)
    for server in both:
        server.start()
    yield both
    for server in both:
        server.kill()


def until(stream: PairStream, pairs: Iterator[FramePair], log: Log, wanted: Callable[[FramePair], bool]) -> FramePair:
    began = time.monotonic()
    for pair in pairs:
        log.add(pair)
        if wanted(pair):
            return pair
        assert time.monotonic() - began < PATIENCE_S, (stream.health(), log.spells)
    raise AssertionError("the stream ended")


def says(words: str, pair: FramePair) -> bool:
    return words in pair.notice


def test_frames_have_the_steps_of_their_sender_from_the_first_one_on(servers: tuple[Server, Server]) -> None:
    """While each camera is opened its frames pile up, the first one's all the more while the second is opened."""
    with ExitStack() as stack:
        visible = stack.enter_context(closing(open_camera(servers[0].address, "visible")))
        infrared = stack.enter_context(closing(open_camera(servers[1].address, "infrared")))
        frames = [[camera.read() for _ in range(30)] for camera in (visible, infrared)]
    for camera_frames, rate in zip(frames, (30, 25), strict=True):
        stamps = [frame.timestamp_ns for frame in camera_frames if frame]
        steps = np.diff(stamps) * rate / 1e9  # in periods; the earliest arrival yet shortens one
        assert np.count_nonzero(np.abs(steps - 1) < 0.05) >= 0.8 * len(steps), steps
        assert (steps > 0).all()


def test_the_rate_of_a_camera_is_that_of_its_sender(servers: tuple[Server, Server]) -> None:
    facts = probe_camera(partial(open_camera, servers[0].address, "visible"))
    assert facts is not None
    assert facts.fps == pytest.approx(30, rel=0.01)


@pytest.mark.slow
def test_a_recording_of_cameras_that_leave_nothing_out_lacks_nothing(
    servers: tuple[Server, Server], tmp_path: Path
) -> None:
    rig = Rig.from_addresses(servers[0].address, servers[1].address)
    counts = record_rig(rig, None, tmp_path / "r", RecordingLimit(2), Event())
    assert {side: count.missing for side, count in counts.items()} == {"visible": 0, "infrared": 0}


@pytest.mark.slow
def test_unlike_rates_with_jitter_pair_within_half_the_slower_period(servers: tuple[Server, Server]) -> None:
    visible, infrared = servers
    log = Log()
    with open_rig(Rig.from_addresses(visible.address, infrared.address)) as stream:
        until(stream, iter(stream), log, lambda _: len(log.skews_ms) == 80)
        health = stream.health()
    assert np.percentile(np.abs(log.skews_ms[5:]), 95) <= 20.5  # half of 40 ms, as far as the stamps tell the period
    assert [told.stamps for told in health if told] == ["stream", "stream"]


@pytest.mark.slow
def test_each_server_may_go_and_come_back_while_the_other_camera_is_shown(servers: tuple[Server, Server]) -> None:
    sides = dict(zip(("visible", "infrared"), servers, strict=True))
    log = Log()
    with open_rig(Rig.from_addresses(servers[0].address, servers[1].address)) as stream:
        pairs = iter(stream)
        for side, server in sides.items():
            until(stream, pairs, log, lambda pair: not pair.missing)
            server.kill()
            alone = until(stream, pairs, log, partial(says, f"{side} lost"))
            assert alone.missing == {side}
            assert fuse_pair(alone, BaselineBackend()).shape == (240, 320, 3)
            server.start()
            until(stream, pairs, log, lambda pair: not pair.missing)
        health = stream.health()
    assert min(told.reconnects for told in health if told) >= 1


def test_a_server_that_starts_after_the_rig_is_found(servers: tuple[Server, Server]) -> None:
    visible, infrared = servers
    infrared.kill()
    log = Log()
    with open_rig(Rig.from_addresses(visible.address, infrared.address), patient=True) as stream:
        pairs = iter(stream)
        assert next(pairs).notice == "infrared lost"
        infrared.start()
        until(stream, pairs, log, lambda pair: not pair.missing)


def test_nobody_at_the_address_is_told_without_the_password() -> None:
    with pytest.raises(CoconetError) as caught:
        open_camera("rtsp://me:secret@127.0.0.1:9/live", "visible")
    assert "secret" not in str(caught.value)
    assert "rtsp://***@127.0.0.1:9/live gives no video: Connection refused" in str(caught.value)
