"""Events reach a real MQTT broker, also one that comes up later; a dead one holds nobody up."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.rigs.alarm_frames import event_of
from tests.support.rigs.live_rig import until

mqtt = pytest.importorskip("coconet.runtime.alarms.mqtt", reason="paho-mqtt is not installed", exc_type=ImportError)
BROKER = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
pytestmark = pytest.mark.skipif(BROKER is None, reason="no mosquitto: apt install mosquitto")


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as one:
        return int(one.getsockname()[1])


@contextmanager
def broker(folder: Path, port: int, more: str = "allow_anonymous true\n") -> Iterator[None]:
    (folder / "mosquitto.conf").write_text(f"listener {port} 127.0.0.1\npersistence false\nuser root\n{more}")
    words = [str(BROKER), "-c", str(folder / "mosquitto.conf")]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            assert until(lambda: answers(port))
            yield
        finally:
            process.terminate()


def answers(port: int) -> bool:
    with closing(socket.socket()) as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def listener(port: int, topic: str) -> Iterator[list[tuple[str, dict[str, Any]]]]:
    from paho.mqtt.client import Client
    from paho.mqtt.enums import CallbackAPIVersion

    heard: list[tuple[str, dict[str, Any]]] = []
    subscribed: list[bool] = []
    client = Client(CallbackAPIVersion.VERSION2)
    client.on_message = lambda _client, _data, message: heard.append((message.topic, json.loads(message.payload)))
    client.on_subscribe = lambda *_words: subscribed.append(True)
    client.connect("127.0.0.1", port)
    client.subscribe(topic, 1)
    client.loop_start()
    try:
        assert until(lambda: subscribed)
        yield heard
    finally:
        client.disconnect()
        client.loop_stop()


def test_an_event_is_published_under_the_name_of_its_alarm(tmp_path: Path) -> None:
    port = free_port()
    with (
        broker(tmp_path, port),
        listener(port, "site/7/#") as heard,
        mqtt.MqttPublisher(f"mqtt://127.0.0.1:{port}", "site/7") as publisher,
    ):
        publisher.tell(event_of(3, "too hot"))
        assert until(lambda: heard)
    ((topic, told),) = heard
    assert (topic, told["serial"], told["change"]) == ("site/7/too hot", 3, "begun")


def test_a_broker_that_comes_up_later_gets_what_happened_meanwhile(tmp_path: Path) -> None:
    port = free_port()
    with mqtt.MqttPublisher(f"mqtt://127.0.0.1:{port}", "late") as publisher:
        for serial in (1, 2, 3):
            publisher.tell(event_of(serial))
        with broker(tmp_path, port), listener(port, "late/#") as heard:
            assert until(lambda: len(heard) == 3 or publisher.sent == 3)


def test_a_dead_broker_takes_a_flood_of_events_and_ends_at_once() -> None:
    with mqtt.MqttPublisher(f"mqtt://127.0.0.1:{free_port()}", "x") as publisher:
        for serial in range(1000):
            publisher.tell(event_of(serial))
        assert (publisher.sent, publisher.lost > 500) == (0, True)


def test_a_broker_that_refuses_the_password_is_said_without_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    port = free_port()
    caplog.set_level("INFO", "coconet.run")
    with (
        broker(tmp_path, port, "allow_anonymous false\n"),
        mqtt.MqttPublisher(f"mqtt://me:hunter2hunter2@127.0.0.1:{port}", "x"),
    ):
        assert until(lambda: any(record.getMessage() == "mqtt" for record in caplog.records))
    told = [str(vars(record)) for record in caplog.records]
    assert not any("hunter2" in line for line in told)
