"""How soon an alarm is told, from the stamp of its frame on, and what alarms cost the loop.

python -m coconet.benchmarks.studies.heat.alarm_latency

Two cameras of 25 frames a second made by this program, the infrared one with the counts of a Lepton; a warm disc comes
and goes every second. The HTTP receiver is real, and so is the broker if mosquitto is installed.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from rich.table import Table

from coconet.benchmarks.endurance.alarms.broker import free_port, running_broker
from coconet.runtime.alarms.alarm import AlarmTable
from coconet.runtime.alarms.alarm_event import AlarmEvent
from coconet.runtime.alarms.alarm_watch import AlarmWatch
from coconet.runtime.alarms.open_alarms import open_alarms
from coconet.runtime.backends.rules.baseline import BaselineBackend
from coconet.runtime.frame import Frame, FramePair, FusedFrame
from coconet.runtime.heat.meters import Meters
from coconet.runtime.heat.reading import Heat, Reading
from coconet.runtime.heat.thermometer import Thermometer
from coconet.runtime.loop.latency_log import Percentiles
from coconet.runtime.loop.pipeline import Ending, run_pipeline
from coconet.runtime.loop.run_stats import RunStats
from coconet.runtime.pairing.live_pairs import pair_live_cameras
from coconet.runtime.preprocess.agc import ThermalStretch
from coconet.runtime.preprocess.fit import Placement
from coconet.runtime.preprocess.preprocess import Preparation
from coconet.runtime.preprocess.warp import Alignment
from coconet.runtime.rig.rig_file import Rig
from coconet.runtime.sinks.sink import NoSink
from coconet.terminal.console import Console
from coconet.writing.scratch import ScratchFolder

SECONDS, FPS = 20.0, 25

INFRARED_PX, VISIBLE_PX = (320, 256), (640, 480)

METER = {"name": "disc", "kind": "hottest"}

ALARM = {"name": "hot", "meter": "disc", "when": "above", "limits": [60]}


class CountingCamera:
    """A live camera of 25 frames a second: counts with a disc of 90 degrees every other second, or colour noise."""

    realtime, codec = True, ""

    def __init__(self, role: str) -> None:
        self.name, self._thermal, self._index, self._ended = role, role == "infrared", 0, Event()
        rng = np.random.default_rng(1)
        self._seen = rng.integers(0, 256, (VISIBLE_PX[1] + 8, VISIBLE_PX[0], 3), np.uint8)
        rows, columns = np.mgrid[: INFRARED_PX[1], : INFRARED_PX[0]]
        self._disc = (columns - 160) ** 2 + (rows - 128) ** 2 < 900
        self._noise = 29315 + rng.normal(0, 5, (INFRARED_PX[1] + 8, INFRARED_PX[0])).round().astype(int)

    def read(self) -> Frame | None:
        """Wait for the next frame."""
        if self._ended.wait(1 / FPS):
            return None
        self._index += 1
        shift = self._index % 8
        if not self._thermal:
            return Frame(self._seen[shift : shift + VISIBLE_PX[1]], time.monotonic_ns(), self._index, stamps="arrival")
        counts = self._noise[shift : shift + INFRARED_PX[1]] + 7000 * (self._disc & (self._index // FPS % 2 == 1))
        return Frame(counts.astype(np.uint16)[:, :, None], time.monotonic_ns(), self._index, stamps="arrival")

    def close(self) -> None:
        """End."""
        self._ended.set()


@dataclass
class Arrivals:
    """When events came to their ends, in ms after the stamp of their frame."""

    ms: dict[str, list[float]] = field(default_factory=dict)

    def note(self, where: str, timestamp_s: float) -> None:
        """An event of a frame has arrived now."""
        self.ms.setdefault(where, []).append((time.monotonic_ns() / 1e9 - timestamp_s) * 1e3)

    def tell(self, event: AlarmEvent) -> None:
        """Take an event from the watch, as an output does."""
        self.note("noticed in the loop", event.timestamp_s)


def main() -> None:
    """Run the rig four times, and print what came of it."""
    console, arrivals = Console(), Arrivals()
    costs = Table("run", "fused a second", "prepare p50, ms", "queue p95, ms", "longest pause, ms", box=None)
    with ScratchFolder() as folder, ExitStack() as stack:
        url = stack.enter_context(receiver(arrivals))
        slow = stack.enter_context(receiver(Arrivals(), delay_s=60))
        broker = stack.enter_context(mosquitto(Path(folder), arrivals))
        told: dict[str, Any] = {"webhook": {"url": url}, **({"mqtt": {"address": broker}} if broker else {})}
        kept = {"recording": {"folder": f"{folder}/events", "before_s": 0.5, "after_s": 0.5}}
        nobody = {"webhook": {"url": slow}, "mqtt": {"address": f"mqtt://127.0.0.1:{free_port()}"}}
        flood = [{**ALARM, "name": f"a{at}", "when": "rate", "limits": [0.001], "over_s": 0.05} for at in range(32)]
        runs: dict[str, tuple[list[dict[str, Any]], dict[str, Any]]] = {
            "no alarm": ([], {}),
            "one, told": ([ALARM], told),
            "one, recorded": ([ALARM], kept),
            "32, nobody takes them": (flood, nobody),
        }
        for name, (alarms, outputs) in runs.items():
            costs.add_row(name, *_run(alarms, outputs, arrivals))
    table = Table("from the stamp of a frame until it is", "events", "p50 ms", "p95 ms", "longest ms", box=None)
    for where, ms in arrivals.ms.items():
        found = Percentiles.of(ms)
        table.add_row(where, str(len(ms)), f"{found.p50:.0f}", f"{found.p95:.0f}", f"{max(ms):.0f}")
    console.print(table, "", costs)
    for count in (1, 64):
        console.print(f"the loop looks at {count} for {_look_us(count):.0f} us of processor time a frame")


def _run(alarms: list[dict[str, Any]], outputs: dict[str, Any], arrivals: Arrivals) -> list[str]:
    """Run the rig for a while; say how fast, how long pairs took and waited, and the longest pause of the output."""
    sides = {"visible": {"address": "synthetic://"}, "infrared": {"address": "synthetic://"}}
    sides["infrared"]["temperature"] = {"scheme": "lepton"}  # type: ignore[assignment]
    rig = Rig.model_validate({**sides, "meter": [METER], "alarm": alarms, "alarms": outputs})
    gauge, stop, moments = RunStats(), Event(), list[float]()
    temperature = rig.infrared.temperature
    if temperature is None:
        raise RuntimeError("the rig measures")
    meters = Meters(Thermometer(temperature), rig.meter, rig.health.limits())
    names = ("visible", "infrared")
    preparation = Preparation(ThermalStretch(), Placement(Alignment()), names, meters=meters)

    def note(_frame: FusedFrame) -> None:
        moments.append(time.monotonic())
        if moments[-1] - moments[0] > SECONDS:
            stop.set()

    with open_alarms(rig, gauge, reserve_mb=1) as watch:
        if alarms == [ALARM]:
            watch.add(arrivals)
        if (kept := rig.alarms.recording) is not None:
            Thread(target=_follow, args=(Path(kept.folder), watch, arrivals, stop), daemon=True).start()
        gauge.on_frame(note)
        cameras = CountingCamera("visible"), CountingCamera("infrared")
        with pair_live_cameras(*cameras, preparation=preparation) as pairs:
            gauge.watch(pairs.health, lambda: None)
            report = run_pipeline(pairs, BaselineBackend("average"), NoSink(), ending=Ending(stop=stop), gauge=gauge)
    stages = {stage.stage: stage.ms for stage in report.stages}
    pause_ms = max(np.diff(moments)) * 1e3
    return [f"{report.fps:.2f}", f"{stages['prepare'].p50:.1f}", f"{stages['queue'].p95:.2f}", f"{pause_ms:.0f}"]


def _look_us(count: int) -> float:
    """What the loop itself does for alarms, in microseconds of processor time a frame (median of 500)."""
    tables = [AlarmTable.model_validate({**ALARM, "name": f"a{at}"}) for at in range(count)]
    watch, taken = AlarmWatch(tables), list[float]()
    pixels, heat = np.zeros((8, 8, 1), np.uint8), Heat((Reading("disc", "hottest", value=20.0, max=20.0),))
    for index in range(500):
        frame = Frame(pixels, index * 40_000_000, index)
        fused = FusedFrame(pixels, FramePair(frame, frame, raw_infrared=frame, heat=heat), 1.0)
        begun = time.thread_time()
        watch.note(fused)
        taken.append((time.thread_time() - begun) * 1e6)
    return float(np.median(taken))


def _follow(folder: Path, watch: Any, arrivals: Arrivals, stop: Event) -> None:
    """Note when each recording is whole."""
    waiting: dict[str, float] = {}
    serial = 0
    while not stop.wait(0.02):
        for event in watch.events(serial):
            serial = event.serial
            if event.recording and event.change == "begun":
                waiting.setdefault(event.recording, event.timestamp_s)
        for name in [name for name in waiting if (folder / name).is_dir()]:
            arrivals.note("recorded whole, 0.5 s before and after", waiting.pop(name))


@contextmanager
def receiver(arrivals: Arrivals, delay_s: float = 0.0) -> Iterator[str]:
    """A web server that notes when events come, and answers after a while; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            arrivals.note("posted to the webhook", body["timestamp_s"])
            time.sleep(delay_s)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_words: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()


@contextmanager
def mosquitto(folder: Path, arrivals: Arrivals) -> Iterator[str]:
    """A broker with a subscriber that notes when events come; its address, empty if there is none."""
    with running_broker(folder) as address:
        if not address:
            yield ""
            return
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion

        client = Client(CallbackAPIVersion.VERSION2)

        def subscribe(*_words: Any) -> None:
            client.subscribe("coconet/#", 1)

        client.on_connect = subscribe
        client.on_message = lambda _client, _data, message: arrivals.note(
            "heard from the broker", json.loads(message.payload)["timestamp_s"]
        )
        client.connect_async("127.0.0.1", urlsplit(address).port or 0)
        client.loop_start()
        try:
            yield address
        finally:
            client.disconnect()
            client.loop_stop()


if __name__ == "__main__":
    main()
