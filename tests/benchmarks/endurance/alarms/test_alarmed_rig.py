"""Alarms of a soak go to its own receivers, never to whom the rig file names, and are counted there."""

from __future__ import annotations

import dataclasses
import urllib.request
from pathlib import Path

import pytest

from coconet.benchmarks.endurance.alarms.alarmed_rig import KEPT, AlarmsCame, alarmed, synthetic_with_meters
from coconet.benchmarks.endurance.alarms.broker import running_broker
from coconet.benchmarks.endurance.asked_process import asked_process
from coconet.errors import CoconetError
from coconet.runtime.rig.rig_file import Rig
from tests.support.rigs.live_rig import until

MODULE = "coconet.benchmarks.endurance.alarms.receiver_process"
CAME = AlarmsCame(events=9, posted=9, heard=8, broker=True, recordings=KEPT, recorded_mb=1.0)


def test_a_rig_is_never_soaked_with_its_own_receivers(tmp_path: Path) -> None:
    elsewhere = {"webhook": {"url": "https://duty.example/"}, "mqtt": {"address": "mqtt://duty.example"}}
    synthetic = synthetic_with_meters(5, 160, 120)
    rig = Rig.model_validate({**synthetic.model_dump(), "alarms": elsewhere})
    chosen = alarmed(rig, tmp_path, webhook="http://127.0.0.1:1/", broker="")
    assert chosen.alarms.webhook is not None
    assert chosen.alarms.webhook.url == "http://127.0.0.1:1/"
    assert chosen.alarms.mqtt is None
    assert [one.name for one in chosen.alarm] == ["passer-by", "visible away", "infrared away"]


def test_a_rig_without_alarms_gets_those_of_its_cameras(tmp_path: Path) -> None:
    rig = Rig.from_addresses("synthetic://", "synthetic://")
    chosen = alarmed(rig, tmp_path, webhook="http://127.0.0.1:1/", broker="mqtt://127.0.0.1:1")
    assert {one.camera for one in chosen.alarm} == {"visible", "infrared"}


def test_the_receivers_count_what_is_posted_and_what_the_broker_says(tmp_path: Path) -> None:
    with running_broker(tmp_path) as broker, asked_process("receivers", MODULE, broker) as receivers:
        told = receivers.ask()
        assert (told["posted"], told["heard"]) == (0, 0)
        for serial in (1, 2, 1):  # the first one comes twice, as it does if the sender does not see its answer
            request = urllib.request.Request(f"http://127.0.0.1:{told['port']}/", b'{"serial": %d}' % serial)
            urllib.request.urlopen(request).close()  # noqa: S310
        assert until(lambda: receivers.ask()["posted"] == 2)


def test_a_process_that_has_ended_is_an_error_in_words() -> None:
    with asked_process("receivers", "coconet.no_such_module") as receivers, pytest.raises(CoconetError) as error:
        receivers.ask()
    assert error.value.got == "a process that has ended"


def test_events_that_did_not_come_and_recordings_that_stay_are_told() -> None:
    assert CAME.received
    assert CAME.bounded
    assert not dataclasses.replace(CAME, heard=5).received
    assert dataclasses.replace(CAME, heard=0, broker=False).received
    assert not dataclasses.replace(CAME, events=0).received
    assert not dataclasses.replace(CAME, recordings=KEPT + 3).bounded
