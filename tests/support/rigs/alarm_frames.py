"""Fused frames whose meter reads what a test says, and a receiver of alarms."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import numpy as np

from coconet.runtime.alarms.alarm_event import AlarmEvent
from coconet.runtime.frame import FusedFrame
from coconet.runtime.heat.reading import Heat, Reading
from tests.support.media.heat_scenes import heat_pair

METER = "bearing"


def reading_of(value: float | None, **words: Any) -> Reading:
    """A reading of one number, or of none."""
    blind = "" if value is not None else "the infrared camera looks at its shutter"
    told = {"value": value, "min": value, "mean": value, "max": value, "blind": blind}
    return Reading(METER, "hottest", **{**told, **words})


def frame_of(reading: Reading, index: int, *, period_ms: float = 100.0, **words: Any) -> FusedFrame:
    """A fused frame with this reading, whose infrared frame came `index` periods after the first."""
    pair = heat_pair(np.full((12, 16, 1), 29315, np.uint16), index)
    stamp = round(index * period_ms * 1e6)
    visible, infrared = (dataclasses.replace(one, timestamp_ns=stamp) for one in (pair.visible, pair.infrared))
    shown = dataclasses.replace(infrared, pixels=np.full((12, 16, 1), 90, np.uint8))
    heat = Heat((reading,))
    whole = dataclasses.replace(pair, visible=visible, infrared=shown, raw_infrared=infrared, heat=heat)
    return FusedFrame(visible.pixels, whole, 1.0, **words)


def frames_of(values: Sequence[float | None], **words: Any) -> list[FusedFrame]:
    """A frame for each value, 100 ms apart."""
    return [frame_of(reading_of(value), index, **words) for index, value in enumerate(values)]


def event_of(serial: int = 1, alarm: str = "hot") -> AlarmEvent:
    """An event as a watch tells it."""
    return AlarmEvent(serial, "2026-01-01T00:00:00+00:00", alarm, "begun", METER, 81.5, "celsius", (80.0,), "", 1.0)


@dataclasses.dataclass
class Received:
    """What a receiver got: the path, the headers and the body of every request; answers: the statuses it gives."""

    answers: list[int]
    requests: list[tuple[str, dict[str, str], bytes]] = dataclasses.field(default_factory=list)


@contextmanager
def receiver(*answers: int) -> Iterator[tuple[str, Received]]:
    """A web server that answers with these statuses, one after the other, and then with 204; its address."""
    received = Received(list(answers))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.requests.append((self.path, dict(self.headers.items()), body))
            self.send_response(received.answers.pop(0) if received.answers else 204)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_words: Any) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", received
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
