"""A rig that is soaked with alarms: what is watched, who receives the events, and what has come of it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coconet.benchmarks.endurance.alarms.broker import running_broker
from coconet.benchmarks.endurance.alarms.receiver_process import TOPIC
from coconet.benchmarks.endurance.asked_process import AskedProcess, asked_process
from coconet.config import check_fields
from coconet.runtime.alarms.event_recorder import RECORDING_THREAD
from coconet.runtime.alarms.open_alarms import open_alarms
from coconet.runtime.loop.run_stats import RunStats
from coconet.runtime.rig.rig_file import Rig

_SETTLE_S = 10.0

_LAST_S = 60.0  # for events on their way at the end: a receiver that did not answer is asked again after up to 30 s

KEPT = 8
"""Event recordings that stay on the disk, beside the one that is being written."""

_LOST = [
    {"name": f"{side} away", "camera": side, "states": ["lost", "frozen", "late"]} for side in ("visible", "infrared")
]


def synthetic_with_meters(fps: int, width: int, height: int) -> Rig:
    """The synthetic rig with counts: people walk through a box of it, which is an alarm every ten or twenty seconds."""
    address = f"synthetic://?fps={fps}&width={width}&height={height}"
    corners = [[round(x * width), round(y * height)] for x, y in ((0.44, 0.58), (0.5, 0.75))]
    fields: dict[str, Any] = {
        "visible": {"address": address},
        "infrared": {"address": f"{address}&counts=true", "temperature": {"scheme": "lepton"}},
        "meter": [
            {"name": "pavement", "kind": "box", "points_px": corners, "above": 20},
            {"name": "hottest", "kind": "hottest"},
            {"name": "across", "kind": "line", "points_px": [[0, height // 2], [width - 1, height // 2]]},
        ],
        "alarm": [
            {"name": "passer-by", "meter": "pavement", "when": "above", "limits": [8], "hysteresis": 0.5},
            *_LOST,
        ],
    }
    return Rig.model_validate(fields)


@dataclass(frozen=True)
class AlarmsCame:
    """What has come of alarms. events: noticed. posted, heard: received by the webhook's server and from the broker.

    An event that came twice counts once.
    broker: whether there was one. recordings, recorded_mb: of events, the most that lay on the disk at once.
    """

    events: int
    posted: int
    heard: int
    broker: bool
    recordings: int
    recorded_mb: float

    @property
    def bounded(self) -> bool:
        """Whether no more recordings lay there than may, with one that is written and one that is about to go."""
        return self.recordings <= KEPT + 2

    @property
    def received(self) -> bool:
        """Whether every event came: one that was noticed just before the end may be on its way."""
        least = self.events - 2
        return self.events > 0 and self.posted >= least and (not self.broker or self.heard >= least)


class AlarmWitness:
    """Looks at what alarms come to, again and again."""

    def __init__(self, gauge: RunStats, receivers: AskedProcess, folder: Path, *, broker: bool) -> None:
        self._gauge, self._receivers, self._folder, self._broker = gauge, receivers, folder, broker
        self._most, self._most_bytes = 0, 0

    def settle(self) -> None:
        """Wait, not for long, until no event is recorded: its threads and files are there for a while only."""
        end_s = time.monotonic() + _SETTLE_S
        while any(thread.name == RECORDING_THREAD for thread in threading.enumerate()) and time.monotonic() < end_s:
            time.sleep(0.05)

    def look(self) -> None:
        """See what lies on the disk now."""
        with suppress(OSError):  # there is none yet
            self._most = max(self._most, sum(1 for _ in self._folder.iterdir()))
        files = (Path(root, name) for root, _, names in os.walk(self._folder) for name in names)
        self._most_bytes = max(self._most_bytes, sum(_size(path) for path in files))

    def came(self) -> AlarmsCame:
        """What has come of alarms, once it has all come, or could have."""
        end_s = time.monotonic() + _LAST_S
        while not (came := self._come()).received and time.monotonic() < end_s:
            time.sleep(0.5)
        return came

    def _come(self) -> AlarmsCame:
        self.look()
        alarms = self._gauge.alarms
        events = [] if alarms is None else alarms.events()
        last, told = events[-1].serial if events else 0, self._receivers.ask()
        return AlarmsCame(last, told["posted"], told["heard"], self._broker, self._most, self._most_bytes / 1e6)


def alarmed(rig: Rig, folder: Path, *, webhook: str, broker: str) -> Rig:
    """A rig with alarms: its own, or, where it has none, on the state of both cameras.

    Events go to these addresses, of which the broker's may be empty, and into recordings in `folder`: never to whom
    the rig file names. Raises CoconetError for a rig that cannot have them.
    """
    fields = rig.model_dump(mode="json", exclude_defaults=True)
    fields.setdefault("alarm", _LOST)
    fields["alarms"] = {
        "webhook": {"url": webhook, "secret": "of the soak"},
        "recording": {"folder": str(folder), "before_s": 1.0, "after_s": 1.0, "most_mb": 64, "keep": KEPT},
        **({"mqtt": {"address": broker, "topic": TOPIC}} if broker else {}),
    }
    return check_fields(Rig, fields, "soak")


@contextmanager
def watched_alarms(rig: Rig, gauge: RunStats, folder: Path) -> Iterator[tuple[Rig, AlarmWitness]]:
    """Watch the alarms of a rig inside the block, told to receivers of its own; give the rig to open, and a witness.

    folder: for recordings and the broker's configuration.
    """
    module = "coconet.benchmarks.endurance.alarms.receiver_process"
    events = folder / "events"
    with running_broker(folder) as broker, asked_process("receivers", module, broker) as receivers:
        url = f"http://127.0.0.1:{receivers.ask()['port']}/"
        chosen = alarmed(rig, events, webhook=url, broker=broker)
        with open_alarms(chosen, gauge, reserve_mb=1):
            yield chosen, AlarmWitness(gauge, receivers, events, broker=bool(broker))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # it was renamed or deleted meanwhile
        return 0
