"""An alarm begins when it holds, ends when it is over, and does neither while nobody can tell."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

import pytest

from coconet.errors import CoconetError
from coconet.runtime.alarms.alarm import AlarmTable
from coconet.runtime.alarms.alarm_watch import AlarmWatch
from coconet.runtime.frame import FusedFrame
from coconet.runtime.heat.meters import EIGHT_BIT
from coconet.runtime.heat.reading import Reading
from coconet.runtime.pairing.camera_health import CameraHealth, CameraState
from tests.support.rigs.alarm_frames import METER, frame_of, frames_of, reading_of

ABOVE = {"when": "above", "limits": [80]}


def table_of(**words: Any) -> AlarmTable:
    return AlarmTable.model_validate({"name": "hot", "meter": METER, **words})


def changes_of(frames: Sequence[FusedFrame], **words: Any) -> list[tuple[int, str]]:
    """What happened at which frame."""
    watch, found = AlarmWatch([table_of(**words)]), list[tuple[int, str]]()
    for at, frame in enumerate(frames):
        before = len(watch.events())
        watch.note(frame)
        found += [(at, event.change) for event in watch.events()[before:]]
    return found


@pytest.mark.parametrize(
    ("words", "values", "wanted"),
    [
        (ABOVE, [79, 80, 80.1, 80, 79], [(2, "begun"), (3, "over")]),
        ({**ABOVE, "hysteresis": 2}, [81, 79, 78.1, 78, 81], [(0, "begun"), (3, "over"), (4, "begun")]),
        ({"when": "below", "limits": [5], "hysteresis": 1}, [5, 4.9, 5.5, 6], [(1, "begun"), (3, "over")]),
        ({"when": "inside", "limits": [10, 20], "hysteresis": 1}, [9, 10, 20.5, 21.1], [(1, "begun"), (3, "over")]),
        (
            {"when": "outside", "limits": [10, 20], "hysteresis": 1},
            [15, 20, 20.1, 19.5, 19, 9],
            [(2, "begun"), (4, "over"), (5, "begun")],
        ),
        ({**ABOVE, "hold_s": 0.3}, [81, 81, 81, 79, 81, 81, 81, 81], [(7, "begun")]),
        ({**ABOVE, "hold_s": 0.2}, [81, 81, 81, 79, 81, 79, 79, 79], [(2, "begun"), (7, "over")]),
    ],
)
def test_an_alarm_follows_its_limits_hysteresis_and_hold_time(
    words: dict[str, Any], values: list[float], wanted: list[tuple[int, str]]
) -> None:
    assert changes_of(frames_of(values), **words) == wanted


def test_a_rate_is_of_degrees_a_second_and_has_its_sign() -> None:
    ramp = [20 + 0.5 * at for at in range(20)] + [29.5] * 25  # 5 degrees a second for 2 s
    wanted = [(5, "begun"), (23, "over")]
    assert changes_of(frames_of(ramp), when="rate", limits=[3], over_s=1) == wanted
    falling = [-value for value in ramp]
    assert changes_of(frames_of(falling), when="rate", limits=[-3], over_s=1) == wanted
    assert changes_of(frames_of(falling), when="rate", limits=[3], over_s=1) == []
    assert changes_of(frames_of(ramp), when="rate", limits=[6], over_s=1) == []


def test_a_rate_is_not_taken_across_a_shutter() -> None:
    values = [20.0] * 10 + [None] * 5 + [60.0] * 10
    assert changes_of(frames_of(values), when="rate", limits=[3], over_s=1) == []


def test_a_shutter_begins_nothing_ends_nothing_and_is_said_once_it_lasts() -> None:
    values = [81.0, *[None] * 4, 81.0, *[None] * 12, 70.0]
    wanted = [(0, "begun"), (16, "blind"), (18, "seeing"), (18, "over")]
    assert changes_of(frames_of(values), **ABOVE, blind_s=1) == wanted


def test_a_hold_time_begins_anew_after_a_shutter() -> None:
    values = [81.0, 81.0, 81.0, None, 81.0, 81.0, 81.0, 81.0]
    assert changes_of(frames_of(values), **ABOVE, hold_s=0.3) == [(7, "begun")]


def test_an_infrared_frame_that_is_shown_again_says_nothing_new() -> None:
    held = frame_of(reading_of(81), 0)
    watch = AlarmWatch([table_of(**ABOVE, hold_s=0.2)])
    for index in range(5):
        visible = dataclasses.replace(held.pair.visible, timestamp_ns=index * 10**8, index=index)
        watch.note(dataclasses.replace(held, pair=dataclasses.replace(held.pair, visible=visible)))
    assert watch.events() == []


def test_a_stale_picture_begins_nothing() -> None:
    assert changes_of(frames_of([90.0] * 3, capture_to_fused_ms=2500.0), **ABOVE) == []
    assert changes_of(frames_of([90.0] * 3, capture_to_fused_ms=90.0), **ABOVE) == [(0, "begun")]


def beyond(kind: str, value: float | None = None, **words: Any) -> Reading:
    return dataclasses.replace(reading_of(value), beyond=kind, limit=382.0, **words)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("reading", "words", "wanted"),
    [
        (beyond("hotter"), ABOVE, ["begun"]),  # a fire that saturates the camera is above 80
        (beyond("hotter"), {"when": "below", "limits": [80]}, []),
        (beyond("hotter"), {"when": "above", "limits": [400]}, ["blind"]),
        (beyond("hotter"), {**ABOVE, "statistic": "mean"}, ["blind"]),
        (beyond("hotter", min=90.0), {**ABOVE, "statistic": "min"}, ["begun"]),
        (beyond("colder"), ABOVE, ["blind"]),
    ],
)
def test_what_is_beyond_the_limits_of_the_camera_alarms_if_that_is_certain(
    reading: Reading, words: dict[str, Any], wanted: list[str]
) -> None:
    frames = [frame_of(reading, at) for at in range(3)]
    assert [change for _, change in changes_of(frames, **words, blind_s=0)] == wanted


def test_an_alarm_is_on_the_state_of_a_camera() -> None:
    states: list[CameraState] = ["live", "late", "lost", "lost", "live"]
    now = CameraHealth("front", "live")
    table = AlarmTable.model_validate({"name": "gone", "camera": "infrared", "states": ["lost"]})
    watch = AlarmWatch([table], health=lambda: (None, now))
    for state, frame in zip(states, frames_of([20.0] * 5), strict=True):
        now = dataclasses.replace(now, state=state)
        watch.note(frame)
    assert [(event.change, event.subject) for event in watch.events()] == [("begun", "infrared"), ("over", "infrared")]
    assert watch.events()[0].reason == "infrared camera is lost"


def test_an_event_says_what_when_and_why() -> None:
    watch = AlarmWatch([table_of(**ABOVE)], "fahrenheit")
    for frame in frames_of([79.0, 81.25]):
        watch.note(frame)
    (event,) = watch.events()
    assert (event.serial, event.alarm, event.value, event.limits, event.timestamp_s) == (1, "hot", 81.25, (80,), 0.1)
    assert event.reason == "bearing value 81.25 °F; alarm above 80"
    assert json.loads(event.to_json())["change"] == "begun"
    assert watch.active() == ("hot",)
    (told,) = watch.as_dict()["alarms"]
    assert told == {"name": "hot", "on": True, "blind": "", "value": 81.25, "subject": "bearing", "since": event.utc}


def test_a_meter_that_is_gone_makes_its_alarm_blind() -> None:
    gone = dataclasses.replace(reading_of(90), name="another")
    assert changes_of([frame_of(gone, at) for at in range(3)], **ABOVE, blind_s=0.1) == [(1, "blind")]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"meter": None}, "neither a meter nor a camera"),
        ({"camera": "visible", "states": ["lost"]}, "both a meter and a camera"),
        ({}, "limits must be one number"),
        ({"when": "inside", "limits": [1]}, "one number, or two for inside"),
        ({"when": "inside", "limits": [2, 1]}, "limits must rise"),
        ({"when": "rate", "limits": [0]}, "a rate must not be 0"),
        ({"meter": None, "camera": "visible"}, "states of a camera"),
        ({"meter": None, "camera": "visible", "states": ["live"]}, "other than live"),
    ],
)
def test_an_alarm_that_cannot_be_is_refused(words: dict[str, Any], said: str) -> None:
    with pytest.raises(CoconetError, match=said):
        table_of(**words)


@pytest.mark.parametrize(
    "blind",
    [EIGHT_BIT, "outside of the infrared picture of 64x48", "the infrared picture does not lie on the visible one"],
)
def test_an_alarm_that_can_never_begin_is_named_once_with_the_reason(
    capsys: pytest.CaptureFixture[str], blind: str
) -> None:
    watch = AlarmWatch([table_of(**ABOVE, name="oven")])
    for index in range(3):
        watch.note(frame_of(Reading(METER, "hottest", "celsius", blind=blind), index))
    told = " ".join(capsys.readouterr().err.split())
    assert told.count(f"the alarm oven cannot begin: its meter {METER} reads nothing: {blind}.") == 1


def test_an_alarm_on_a_camera_that_is_not_watched_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    lost = AlarmTable.model_validate({"name": "unplugged", "camera": "visible", "states": ["lost"]})
    AlarmWatch([lost]).note(frame_of(reading_of(20), 0))
    told = " ".join(capsys.readouterr().err.split())
    assert "the alarm unplugged cannot begin: the cameras of recordings are not watched." in told


def test_a_shutter_is_no_reason_to_say_that_an_alarm_cannot_begin(capsys: pytest.CaptureFixture[str]) -> None:
    watch = AlarmWatch([table_of(**ABOVE)])
    watch.note(frame_of(Reading(METER, "hottest", "celsius", blind="the infrared camera looks at its shutter"), 0))
    assert capsys.readouterr().err == ""
