"""Events published to an MQTT broker, which may be away."""

from __future__ import annotations

import logging
import time
from threading import Event
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from coconet.errors import MissingPackage
from coconet.event_log import log_event
from coconet.redaction import redact
from coconet.runtime.alarms.alarm_event import AlarmEvent

if TYPE_CHECKING:
    from typing_extensions import Self

try:
    from paho.mqtt.client import Client
    from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
except ImportError as error:
    raise MissingPackage("paho-mqtt", job="alarms over MQTT", extra="mqtt") from error


_DEPTH = 256  # events that wait for a broker that is away

_LONGEST_PAUSE_S = 30

_LOOK_S = 0.05

_END_S = 2.0  # at the end, for what waits

_PORTS = {"mqtt": 1883, "mqtts": 8883}


class MqttPublisher:
    """Publishes events inside its block, in a thread of the client. sent, lost: how many were, and had no room.

    A broker that is away is tried again after 1 s, then after twice as long, up to 30 s; events wait meanwhile.
    """

    def __init__(self, address: str, topic: str, qos: int = 1, *, retain: bool = False) -> None:
        """Prepare to publish under `topic`. address: mqtt:// or mqtts://, with the user and password if there are."""
        parts = urlsplit(address)
        self._host, self._port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
        self._where, self._topic, self._qos, self._retain = redact(address), topic, qos, retain
        self.sent = self.lost = self._queued = 0
        self._progress = Event()
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.max_queued_messages_set(_DEPTH)
        self._client.reconnect_delay_set(1, _LONGEST_PAUSE_S)
        if parts.username:
            self._client.username_pw_set(unquote(parts.username), unquote(parts.password or ""))
        if parts.scheme == "mqtts":
            self._client.tls_set()
        self._client.connect_timeout = _END_S
        self._client.on_disconnect = self._note_loss
        self._client.on_connect = self._note_connection
        self._client.on_connect_fail = self._note_failure
        self._client.on_publish = self._note_sent
        self._away = self._ending = False

    def __enter__(self) -> Self:
        self._client.connect_async(self._host, self._port)
        self._client.loop_start()
        return self

    def __exit__(self, *error: object) -> None:
        until_s = time.monotonic() + _END_S
        while self.sent < self._queued and self._client.is_connected() and time.monotonic() < until_s:
            self._progress.wait(_LOOK_S)
            self._progress.clear()
        self._ending = True
        self._client.disconnect()
        self._client.loop_stop()

    def tell(self, event: AlarmEvent) -> None:
        """Take an event."""
        told = self._client.publish(f"{self._topic}/{event.alarm}", event.to_json(), self._qos, self._retain)
        if told.rc == MQTTErrorCode.MQTT_ERR_QUEUE_SIZE or (told.rc and not self._qos):
            self.lost += 1
        else:
            self._queued += 1  # with qos 1 and 2 it waits for a broker that is away

    def _note_connection(self, _client: Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self._tell_away(str(reason) if reason.is_failure else "")

    def _note_failure(self, _client: Client, _data: Any) -> None:
        self._tell_away("it does not answer")

    def _note_loss(self, *_words: Any) -> None:
        if not self._ending:
            self._tell_away("the connection is lost")

    def _note_sent(self, *_words: Any) -> None:
        self.sent += 1
        self._progress.set()

    def _tell_away(self, trouble: str) -> None:
        """Log that the broker is away, or there again, when that changes."""
        if bool(trouble) != self._away:
            self._away = bool(trouble)
            level = logging.WARNING if trouble else logging.INFO
            log_event("mqtt", level=level, broker=self._where, trouble=trouble or None)
