"""Alarms of a whole rig: from the counts of a file to a web address, a recording and the page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from websockets.sync.client import connect

from coconet.errors import CoconetError
from coconet.runtime.alarms.alarm import AlarmTable
from coconet.runtime.alarms.alarm_event import AlarmEvent
from coconet.runtime.alarms.alarm_watch import AlarmWatch
from coconet.runtime.alarms.webhook import SIGNATURE
from coconet.runtime.badge import add_alarms
from coconet.runtime.heat.meter import MeterTable
from coconet.runtime.heat.meters import Meters
from coconet.runtime.heat.temperature import TemperatureTable
from coconet.runtime.heat.thermometer import Thermometer
from coconet.runtime.loop.run_stats import RunStats
from coconet.runtime.preprocess.agc import ThermalStretch
from coconet.runtime.preprocess.fit import Placement
from coconet.runtime.preprocess.preprocess import Preparation
from coconet.runtime.preprocess.warp import Alignment
from coconet.runtime.rig.rig_file import Rig
from coconet.runtime.viewers.live_page import LivePage, PageSettings
from tests.support.media.heat_scenes import counts_of, disc_c
from tests.support.programs.command_line import command
from tests.support.rigs.alarm_frames import receiver
from tests.support.rigs.heat_rig import heat_rig
from tests.support.rigs.live_rig import LiveRig, LoopEnds, live_rig, until

ALARM = """
[[alarm]]
name = "disc hot"
meter = "disc"
when = "above"
limits = [80]
"""


def alarmed(folder: Path, more: str) -> Path:
    """A rig of four pictures, of which the third is too hot."""
    rig = heat_rig(folder, [counts_of(disc_c(warm)) for warm in (30, 79.9, 81, 40)])
    rig.write_text(rig.read_text() + ALARM + more)
    return rig


def test_from_a_picture_to_a_web_address_and_a_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_SECRET", "a secret with spaces, as it is")
    with receiver() as (url, received):
        more = f'[alarms.webhook]\nurl = "{url}/heat"\nsecret = "${{HOOK_SECRET}}"\n'
        more += '[alarms.recording]\nfolder = "events"\nbefore_s = 60\nafter_s = 60\n'
        ended = command("run", alarmed(tmp_path, more), "--model", "average", "--reserve-mb", 1, "--log", "json")
        assert ended.code == 0, ended.err
    told = [json.loads(body) for _, _, body in received.requests]
    assert [(one["alarm"], one["change"]) for one in told] == [("disc hot", "begun"), ("disc hot", "over")]
    assert told[0]["value"] == pytest.approx(81, abs=0.01)
    assert all(SIGNATURE in headers for _, headers, _ in received.requests)
    logged = [json.loads(line) for line in ended.err.splitlines() if line.startswith("{")]
    assert [line["change"] for line in logged if line["event"] == "alarm"] == ["begun", "over"]
    (folder,) = (tmp_path / "events").iterdir()
    assert folder.name == told[0]["recording"]
    assert len((folder / "infrared.stamps.csv").read_text().splitlines()) == 4 + 2


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            '[alarms.webhook]\nurl = "ftp://me:hunter2@x/"',
            "[alarms.webhook] url must be an http or https address. Use http://HOST",
        ),
        ('[alarms.mqtt]\naddress = "mqtt://"', "[alarms.mqtt] address must be an mqtt or mqtts address"),
        ('[alarms.mqtt]\naddress = "mqtt://h"\ntopic = "a/#"', "topic must be"),
        (
            '[[alarm]]\nname = "x"\nmeter = "gone"\nwhen = "above"\nlimits = [1]',
            "Name one of these: disc or coldest",
        ),
        ('[[alarm]]\nname = "disc hot"\ncamera = "visible"\nstates = ["lost"]', '"disc hot" stands twice'),
        ("[alarms.fax]\nnumber = 1", "alarms.fax is not a known key here; known are webhook, mqtt, recording"),
        (
            '[alarms.webhook]\nurl = "http://x/"\nsecrets = "hunter2"',
            "webhook.secrets is not a known key here; known are url, secret",
        ),
    ],
)
def test_alarms_that_cannot_be_told_are_refused_without_their_passwords(tmp_path: Path, more: str, said: str) -> None:
    with pytest.raises(CoconetError) as refused:
        Rig.from_file(alarmed(tmp_path, more))
    assert said in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_a_secret_that_is_missing_is_said_before_the_run(tmp_path: Path) -> None:
    rig = alarmed(tmp_path, '[alarms.webhook]\nurl = "http://127.0.0.1:9/"\nsecret = "${NOT_SET_ANYWHERE}"\n')
    ended = command("run", rig, "--model", "average")
    assert (ended.code, "NOT_SET_ANYWHERE" in ended.err) == (2, True)


def test_folders_and_files_of_alarms_are_relative_to_the_rig_file(tmp_path: Path) -> None:
    more = '[alarms.recording]\nfolder = "events"\n[alarms.webhook]\nurl = "http://x/"\nsecret = "${file:key}"\n'
    alarms = Rig.from_file(alarmed(tmp_path, more)).alarms
    assert alarms.recording is not None
    assert alarms.webhook is not None
    assert alarms.recording.folder == str(tmp_path / "events")
    assert alarms.webhook.secret == f"${{file:{tmp_path / 'key'}}}"


def test_an_alarm_is_marked_at_the_bottom_of_the_picture_and_nothing_else_is_touched() -> None:
    picture = np.full((120, 160, 3), 90, np.uint8)
    marked = add_alarms(picture, ("hot", "hotter"))
    assert (marked[:100] == 90).all()
    assert (marked[-1] != 90).all()
    assert (marked[110:] == 255).any()
    assert add_alarms(picture, ()) is picture


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveRig]:
    meters = Meters(Thermometer(TemperatureTable(scheme="lepton")), (MeterTable(name="hot", kind="hottest"),))
    preparation = Preparation(ThermalStretch(), Placement(Alignment()), ("a", "b"), meters=meters)
    alarm = {"name": "warm", "meter": "hot", "when": "above", "limits": [30], "hold_s": 0.1}
    with live_rig(tmp_path_factory.mktemp("captures"), ends=LoopEnds(preparation, counts=True)) as rig:
        gauge = rig.page.view.gauge
        watch = AlarmWatch([AlarmTable.model_validate(alarm)], health=gauge.cameras)
        gauge.on_frame(watch.note)
        gauge.watch_alarms(watch)
        yield rig


def test_the_page_lists_alarms_and_their_events(page: LiveRig) -> None:
    def told() -> dict[str, list[dict[str, object]]]:
        answer: dict[str, list[dict[str, object]]] = json.loads(page.ask("GET", "/vitals")[2])["alarms"]
        return answer

    assert until(lambda: told()["alarms"][0]["on"])
    assert (told()["alarms"][0]["name"], told()["events"][0]["change"]) == ("warm", "begun")
    assert b'coconet_alarm_active{alarm="warm"} 1.0' in page.ask("GET", "/metrics")[2]
    assert until(lambda: page.page.view.board.newest is not None and page.page.view.board.newest.alarms == ("warm",))


class LastWord:
    """Alarms whose one event comes with the end of the run."""

    def __init__(self) -> None:
        self.told: list[AlarmEvent] = []

    def active(self) -> tuple[str, ...]:
        return ()

    def as_dict(self) -> dict[str, Any]:
        return {}

    def events(self, after: int = 0) -> list[AlarmEvent]:
        return [event for event in self.told if event.serial > after]


def test_a_listener_hears_of_an_event_that_comes_with_the_end(tmp_path: Path) -> None:
    gauge, alarms = RunStats(), LastWord()
    gauge.watch_alarms(alarms)
    with (
        LivePage(gauge, PageSettings(port=0, captures=tmp_path)) as page,
        connect(f"ws://{urlsplit(page.url).netloc}/events", compression=None, proxy=None) as listener,
    ):
        alarms.told.append(AlarmEvent(1, "", "warm", "over", "hot", 20.0, "celsius", (30.0,), "over", 1.0))
        page.view.board.close()
        assert json.loads(listener.recv(20))["alarm"] == "warm"


def test_a_listener_hears_of_every_event_and_a_lost_camera_begins_none(page: LiveRig) -> None:
    address = f"ws://{urlsplit(page.page.url).netloc}/events"
    with connect(address, compression=None, proxy=None) as listener:
        first = json.loads(listener.recv(20))
        assert (first["serial"], first["alarm"], first["change"]) == (1, "warm", "begun")
        page.infrared.stopped.set()
        assert until(lambda: json.loads(page.ask("GET", "/vitals")[2])["vitals"]["infrared"]["state"] == "lost")
        page.infrared.stopped.clear()
        assert page.goes_on()
    assert [event["change"] for event in json.loads(page.ask("GET", "/vitals")[2])["alarms"]["events"]][:1] == ["begun"]
