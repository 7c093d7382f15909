"""An alarm as the rig file has it: what is looked at, when it begins and ends, and where its events are sent."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from coconet.config import Checked
from coconet.errors import Refused
from coconet.redaction import redact
from coconet.runtime.heat.meter import Name
from coconet.runtime.pairing.camera_health import CameraState

if TYPE_CHECKING:
    from typing_extensions import Self

When = Literal["above", "below", "inside", "outside", "rate"]
"""above, below: the one limit. inside, outside: between the two. rate: degrees a second, rising faster than a limit
above 0, or falling faster than one below 0."""

AlarmStatistic = Literal["value", "min", "mean", "max", "share_above"]

Limit = Annotated[float, Field(ge=-1e6, le=1e6)]

Seconds = Annotated[float, Field(ge=0, le=86_400)]

MOST_ALARMS = 64


class AlarmTable(Checked):
    """`[[alarm]]`: one alarm, on a meter or on the state of a camera.

    meter, statistic: what of which meter is looked at. when, limits: see When, in the unit of the thermometer.
    over_s: the time that a rate is taken over. hysteresis: how far it has to come back, beyond a limit, to be over.
    camera, states: instead of a meter, the camera and the states that are alarming.
    hold_s: for how long it has to be so, in a row, before the alarm begins, and to be over before it ends.
    blind_s: after how long without a number it is said that the alarm is blind.
    """

    name: Name
    meter: Name | None = None
    statistic: AlarmStatistic = "value"
    when: When | None = None
    limits: Annotated[tuple[Limit, ...], Field(max_length=2)] = ()
    over_s: Annotated[float, Field(ge=0.05, le=3600)] = 2.0
    hysteresis: Annotated[float, Field(ge=0, le=1e6)] = 0.0
    camera: Literal["visible", "infrared"] | None = None
    states: tuple[CameraState, ...] = ()
    hold_s: Seconds = 0.0
    blind_s: Seconds = 5.0

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.meter is None) == (self.camera is None):
            got = "neither" if self.meter is None else "both"
            says = "names neither a meter nor a camera" if self.meter is None else "names both a meter and a camera"
            raise _unfit("", "a meter, or a camera", got, "Name one of them.", says)
        if self.camera is not None:
            if not self.states or self.when is not None or self.limits or "live" in self.states:
                wanted = "states of a camera that is not live, and neither when nor limits"
                remedy = 'For example states = ["lost", "frozen"].'
                says = "must name states of a camera other than live; when and limits must be left out"
                raise _unfit("states", wanted, "others", remedy, says)
            return self
        wanted_limits = 2 if self.when in ("inside", "outside") else 1
        if self.when is None or self.states or len(self.limits) != wanted_limits:
            wanted = "when, with one limit, or two for inside and outside"
            got = f"{self.when or 'no when'} with {len(self.limits)}"
            says = "must be one number, or two for inside and outside; when must be given and states left out"
            raise _unfit("limits", wanted, got, 'For example when = "above" and limits = [80].', says)
        rising = wanted_limits == 1 or self.limits[0] < self.limits[1]
        if not rising or (self.when == "rate" and self.limits[0] == 0):
            says = f"must rise, and a rate must not be 0: {list(self.limits)}"
            raise _unfit("limits", "rising limits, and a rate but 0", str(list(self.limits)), "Correct them.", says)
        return self


class WebhookTable(Checked):
    """`[alarms.webhook]`: where every event is posted as JSON.

    url: https:// or http://. secret: signs the body; both may hold ${NAME} and ${file:PATH}. timeout_s: of one try.
    tries: how often an event is tried, each after twice the pause, before it is given up.
    """

    url: str
    secret: str | None = None
    timeout_s: Annotated[float, Field(ge=0.1, le=120)] = 5.0
    tries: Annotated[int, Field(ge=1, le=20)] = 6

    @model_validator(mode="after")
    def _http(self) -> Self:
        _check_address("[alarms.webhook] url", self.url, ("http", "https"))
        return self


class MqttTable(Checked):
    """`[alarms.mqtt]`: a broker, and under which topic every event is published: TOPIC/NAME of the alarm.

    address: mqtt://user:password@host:1883, or mqtts:// with TLS; it may hold ${NAME} and ${file:PATH}. qos, retain: of
    MQTT.
    """

    address: str
    topic: str = "coconet/alarms"
    qos: Literal[0, 1, 2] = 1
    retain: bool = False

    @model_validator(mode="after")
    def _mqtt(self) -> Self:
        _check_address("[alarms.mqtt] address", self.address, ("mqtt", "mqtts"))
        if not re.fullmatch(r"[^+#\x00/$][^+#\x00]{0,199}", self.topic):
            wanted = "1 to 200 characters without + and #, not beginning with / or $"
            where, remedy = "[alarms.mqtt] topic", "Use coconet/alarms."
            raise Refused(where, wanted=wanted, got="another", remedy=remedy, says=f"must be {wanted}")
        return self


class RecordingTable(Checked):
    """`[alarms.recording]`: a folder for a recording of every alarm: both raw streams and the fused one.

    before_s, after_s: how much is kept of the time before an alarm and after it. most_mb: memory for the time before,
    and for what waits to be written. keep: how many recordings stay; the oldest are deleted.
    """

    folder: str
    before_s: Annotated[float, Field(ge=0, le=60)] = 3.0
    after_s: Annotated[float, Field(ge=0, le=600)] = 5.0
    most_mb: Annotated[float, Field(ge=1, le=16_384)] = 256.0
    keep: Annotated[int, Field(ge=1, le=10_000)] = 100


class AlarmsTable(Checked):
    """`[alarms]`: where alarms are told beside the log, the page and its WebSocket; what is left out is not told."""

    webhook: WebhookTable | None = None
    mqtt: MqttTable | None = None
    recording: RecordingTable | None = None


def _check_address(where: str, address: str, schemes: tuple[str, ...]) -> None:
    plain = re.sub(r"\$\{[^{}]*\}", "x", address)
    try:
        parts = urlsplit(plain)
        fits = parts.scheme in schemes and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        fits = False
    if not fits:
        wanted = " or ".join(f"{scheme}://HOST" for scheme in schemes)
        says = f"must be an {' or '.join(schemes)} address" if address else "is empty"
        got = redact(address) or "nothing"
        raise Refused(where, wanted=wanted, got=got, remedy=f"Use {wanted}.", says=says)


def _unfit(key: str, wanted: str, got: str, remedy: str, says: str) -> Refused:
    return Refused(f"[[alarm]] {key}".rstrip(), wanted=wanted, got=got, remedy=remedy, says=says)
