"""A live camera that is switched to another size and back: the page and the recording go on."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from urllib.parse import urlsplit

import cv2
import numpy as np
from websockets.sync.client import connect
from websockets.sync.connection import Connection

from coconet.media.video import VideoReader
from coconet.runtime.backends.rules.baseline import BaselineBackend
from coconet.runtime.frame import Frame, FramePair
from coconet.runtime.loop.pipeline import run_pipeline
from coconet.runtime.pairing.stream_counts import StreamCounts
from coconet.runtime.preprocess.agc import ThermalStretch
from coconet.runtime.preprocess.fit import Placement
from coconet.runtime.preprocess.preprocess import Preparation
from coconet.runtime.preprocess.warp import Alignment
from coconet.runtime.sinks.open_sink import open_sink
from tests.support.rigs.live_rig import LiveRig, LoopEnds, live_rig, until
from tests.support.rigs.loop_ends import Shelf

LARGE, SMALL, WIDE = (480, 640), (240, 320), (180, 320)


def shape_on_the_page(viewer: Connection) -> tuple[int, ...]:
    viewer.send(json.dumps({"looks": [{"show": "fused"}]}))
    message = viewer.recv(20)
    assert isinstance(message, bytes)
    jpeg = message[4 + int.from_bytes(message[:4], "big") :]  # after the label and its length
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return tuple(picture.shape[:2])


@contextmanager
def watched(rig: LiveRig) -> Iterator[Callable[[tuple[int, int]], bool]]:
    """Watch the page over the whole block; give what switches the visible camera and waits until the page shows it."""
    with connect(f"ws://{urlsplit(rig.page.url).netloc}/watch", compression=None, proxy=None) as viewer:

        def switch(shape: tuple[int, int]) -> bool:
            rig.visible.shape = shape
            return until(lambda: shape_on_the_page(viewer) == shape) and rig.goes_on()

        yield switch


def test_page_and_recording_go_on_while_a_camera_is_switched_to_another_size_and_back(tmp_path: Path) -> None:
    preparation = Preparation(ThermalStretch(), Placement(Alignment()), ("front", "boson"))
    ends = LoopEnds(preparation, open_sink(f"{tmp_path}/x.mp4"))
    with live_rig(tmp_path, ends=ends) as rig, watched(rig) as switched:
        assert all(switched(shape) for shape in (LARGE, SMALL, LARGE))
        fused = rig.fused
        vitals = rig.page.view.gauge.vitals()
        assert vitals is not None
        assert vitals.passed_through == 0
    sizes, frames = [], 0
    for path in sorted(tmp_path.glob("x*.mp4"), key=lambda path: (len(path.name), path.name)):
        with VideoReader(path) as video:
            sizes.append((video.height_px, video.width_px))
            frames += len(list(video))
    assert sizes == [(48, 64), LARGE, SMALL, LARGE]
    assert frames == fused()


def test_a_switch_that_cannot_be_aligned_shows_the_visible_picture_until_it_is_switched_back(tmp_path: Path) -> None:
    shift = Alignment(((7.5, 0.0, 3.0), (0.0, 7.5, 2.0), (0.0, 0.0, 1.0)), (640, 480), infrared_size_px=(64, 48))
    preparation = Preparation(ThermalStretch(), Placement(shift), ("front", "boson"))
    with live_rig(tmp_path, ends=LoopEnds(preparation)) as rig, watched(rig) as switched:
        assert all(switched(shape) for shape in (LARGE, SMALL))
        gauge = rig.page.view.gauge
        assert gauge.figures().passed_through == 0
        assert switched(WIDE)
        assert until(lambda: gauge.figures().passed_through > 2)
        assert switched(LARGE)
        passed = gauge.figures().passed_through
        assert rig.goes_on()
        assert gauge.figures().passed_through == passed


class Switched:
    """Pairs of a recording, of one size after the other."""

    realtime = False
    counts = StreamCounts()

    def __init__(self, *shapes: tuple[int, int]) -> None:
        self._shapes = shapes

    def until(self, stop: Event) -> Iterator[FramePair]:
        for index, shape in enumerate(self._shapes):
            pixels = np.full((*shape, 1), 100, np.uint8)
            yield FramePair(Frame(pixels, index * 40_000_000, index), Frame(pixels // 2, index * 40_000_000, index))


def test_a_size_that_the_model_does_not_take_passes_through_until_it_does() -> None:
    backend, shelf = BaselineBackend(), Shelf()
    backend.card = dataclasses.replace(backend.card, height_px=48, width_px=64)
    report = run_pipeline(Switched((48, 64), (24, 32), (48, 64)), backend, shelf)
    assert (report.fused, report.passed_through) == (3, 1)
    assert [frame.pixels.shape[:2] for frame in shelf.frames] == [(48, 64), (24, 32), (48, 64)]
    assert [bool(frame.pair.missing) for frame in shelf.frames] == [False, True, False]
    assert shelf.frames[1].pair.notice.startswith("not fused: the model takes 48x64 (height x width), not 24x32")
