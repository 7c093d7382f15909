"""A small live rig whose cameras can be stopped, fused in a thread, with its live page."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from coconet.runtime.backends.rules.baseline import BaselineBackend
from coconet.runtime.frame import Frame
from coconet.runtime.loop.pipeline import run_pipeline
from coconet.runtime.loop.run_stats import RunStats
from coconet.runtime.pairing.live_pairs import pair_live_cameras
from coconet.runtime.preprocess.preprocess import Preparation
from coconet.runtime.rig.live_settings import AdjustableRig
from coconet.runtime.sinks.sink import NoSink, Sink
from coconet.runtime.viewers.live_page import LivePage, PageSettings
from tests.support.programs.patience import PATIENCE_S

PERIOD_S = 0.04
CUT = 0


class SmallCamera:
    """A camera with a bright bar that moves; `stopped` makes it silent, `ended` ends it, `shape` is its profile now.

    counts: it gives those of a Lepton, a bar of 36.5 degrees Celsius before 20.
    """

    realtime = True

    def __init__(self, name: str, depth: int, *, counts: bool = False) -> None:
        self._levels = (29315, 30965) if counts else (40, 220)
        self._kind = np.uint16 if counts else np.uint8
        self.name, self.stopped, self.ended = name, Event(), Event()
        self.shape, self._depth, self._index = (48, 64), depth, 0

    def read(self) -> Frame | None:
        while not self.ended.wait(PERIOD_S):
            if not self.stopped.is_set():
                self._index += 1
                pixels = np.full((*self.shape, self._depth), self._levels[0], self._kind)
                pixels[:, self._index % 56 : self._index % 56 + 8] = self._levels[1]
                return Frame(pixels, time.monotonic_ns(), self._index, stamps="arrival")
        return None

    def close(self) -> None:
        self.ended.set()


class LiveRig:
    """What a test can do to a running rig, and ask of its page."""

    def __init__(self, page: LivePage, visible: SmallCamera, infrared: SmallCamera) -> None:
        self.page, self.visible, self.infrared = page, visible, infrared

    def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """Send one request exactly as it is written; give the status, the headers and the body of the answer.

        The status is CUT where the page closed the connection while the request was still being sent.
        """
        data = body if body is None or isinstance(body, (bytes, Iterator)) else json.dumps(body)
        with closing(HTTPConnection(urlsplit(self.page.url).netloc, timeout=PATIENCE_S)) as connection:
            try:
                connection.request(method, path, data, headers or {}, encode_chunked=isinstance(data, Iterator))
                answer = connection.getresponse()
                return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
            except ConnectionError:
                return CUT, {}, b""

    def fused(self) -> int:
        """How many frames the loop has fused."""
        vitals = self.page.view.gauge.vitals()
        return 0 if vitals is None else vitals.fused

    def goes_on(self) -> bool:
        """Whether the loop fuses three more frames."""
        before = self.fused()
        return until(lambda: self.fused() >= before + 3)


def until(happened: Callable[[], object], most_s: float = PATIENCE_S) -> bool:
    """Wait until something is true; False when it does not become so."""
    end = time.monotonic() + most_s
    while not happened():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


@dataclass(frozen=True)
class LoopEnds:
    """What prepares the pairs, which are taken as they come without it, and where they go: nowhere without a sink.

    counts: whether the infrared camera gives counts.
    """

    preparation: Preparation | None = None
    sink: Sink | None = None
    counts: bool = False


@contextmanager
def live_rig(
    folder: Path,
    token: str | None = None,
    tuner: AdjustableRig | None = None,
    page: PageSettings | None = None,
    ends: LoopEnds | None = None,
) -> Iterator[LiveRig]:
    """Run the rig and its page inside the block; snapshots go into `folder`, or to where `page` says."""
    ends = ends or LoopEnds()
    settings = page or PageSettings(port=0, token=token, captures=folder)
    gauge, visible, infrared = RunStats(), SmallCamera("front", 3), SmallCamera("boson", 1, counts=ends.counts)
    with (
        LivePage(gauge, settings, tuner) as shown,
        pair_live_cameras(visible, infrared, preparation=ends.preparation) as pairs,
    ):
        gauge.watch(pairs.health, lambda: None)
        words = (pairs, BaselineBackend("average"), ends.sink or NoSink())
        loop = Thread(target=run_pipeline, args=words, kwargs={"gauge": gauge})
        loop.start()
        try:
            rig = LiveRig(shown, visible, infrared)
            assert rig.goes_on()
            yield rig
        finally:
            visible.ended.set()
            infrared.ended.set()
            loop.join()
