"""A recording of an alarm has the seconds before and after it, exactly as the cameras gave them, and replays."""

from __future__ import annotations

import dataclasses
import json
import logging
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import coconet
from coconet.runtime.alarms.alarm import AlarmTable, RecordingTable
from coconet.runtime.alarms.alarm_watch import AlarmWatch
from coconet.runtime.alarms.event_recorder import EventRecorder
from coconet.runtime.frame import FusedFrame
from coconet.writing.held import is_held
from tests.support.rigs.alarm_frames import METER, event_of, frame_of, reading_of

FIELDS: dict[str, Any] = {
    "visible": {"address": "rtsp://me:secret@camera/1"},
    "infrared": {"address": "/dev/video0", "layout": "lepton", "temperature": {"scheme": "lepton"}},
    "meter": [{"name": METER, "kind": "hottest"}],
    "alarms": {"webhook": {"url": "https://me:secret@somewhere/"}},
}


def film(values: list[float], size: tuple[int, int] = (48, 64)) -> list[FusedFrame]:
    """Frames of noise, 100 ms apart, whose meter reads these values."""
    found = []
    for index, value in enumerate(values):
        rng = np.random.default_rng(index)
        frame = frame_of(reading_of(value), index)
        seen = rng.integers(0, 256, (*size, 3), np.uint8)
        counts = rng.integers(29000, 31000, (*size, 1), np.uint16)
        visible = dataclasses.replace(frame.pair.visible, pixels=seen)
        assert frame.pair.raw_infrared is not None
        stamp = frame.pair.raw_infrared.timestamp_ns - 7_000_000  # always a little before the visible one
        raw = dataclasses.replace(frame.pair.raw_infrared, pixels=counts, timestamp_ns=stamp)
        pair = dataclasses.replace(frame.pair, visible=visible, raw_infrared=raw)
        found.append(dataclasses.replace(frame, fused=seen, pair=pair))
    return found


def watched(folder: Path, frames: list[FusedFrame], **words: Any) -> tuple[AlarmWatch, EventRecorder]:
    """Run frames past an alarm that begins above 80."""
    alarm = AlarmTable.model_validate({"name": "hot", "meter": METER, "when": "above", "limits": [80]})
    watch = AlarmWatch([alarm])
    table = RecordingTable.model_validate({"folder": str(folder), "before_s": 0.5, "after_s": 0.3, **words})
    with EventRecorder(table, FIELDS, now_s=lambda: 1.8e9, reserve_mb=1) as recorder:
        watch.record_with(recorder)
        for frame in frames:
            watch.note(frame)
    return watch, recorder


def test_both_raw_streams_come_back_exactly_from_before_to_after(tmp_path: Path) -> None:
    frames = film([20.0] * 10 + [90.0] + [20.0] * 10)
    watch, recorder = watched(tmp_path / "events", frames)
    name = watch.events()[0].recording
    folder = tmp_path / "events" / name
    assert (recorder.written, recorder.dropped, name[-4:]) == ([name], 0, "-hot")
    assert sorted(path.name for path in folder.iterdir()) == [
        *("events.json", "fused.mp4", "infrared.mkv", "infrared.stamps.csv", "rig.toml"),
        *("visible.mkv", "visible.stamps.csv"),
    ]
    with coconet.open_rig(folder / "rig.toml", align=False) as pairs:
        replayed = list(pairs)
    wanted = frames[5:14]  # half a second before the alarm to 0.3 s after it
    assert len(replayed) == len(wanted)
    for pair, frame in zip(replayed, wanted, strict=True):
        assert np.array_equal(pair.visible.pixels, frame.pair.visible.pixels)
        assert pair.raw_infrared is not None
        assert frame.pair.raw_infrared is not None
        assert np.array_equal(pair.raw_infrared.pixels, frame.pair.raw_infrared.pixels)
        assert pair.heat is not None
    (event,) = json.loads((folder / "events.json").read_text())
    assert (event["alarm"], event["change"]) == ("hot", "begun")


def test_a_replay_tells_nobody_and_knows_no_password(tmp_path: Path) -> None:
    watch, _ = watched(tmp_path, film([90.0, 20.0, 20.0]))
    text = (tmp_path / watch.events()[0].recording / "rig.toml").read_text()
    assert "secret" not in text
    assert "alarm" not in text


def test_an_alarm_during_a_recording_goes_into_it(tmp_path: Path) -> None:
    watch, recorder = watched(tmp_path, film([20.0] * 4 + [90.0, 20.0, 90.0] + [20.0] * 8))
    names = {event.recording for event in watch.events() if event.change == "begun"}
    assert (len(names), len(recorder.written)) == (1, 1)
    events = json.loads((tmp_path / recorder.written[0] / "events.json").read_text())
    assert len(events) == 2


def test_memory_for_the_time_before_is_bounded(tmp_path: Path) -> None:
    big = film([20.0] * 12, size=(480, 640))
    table = RecordingTable(folder=str(tmp_path), before_s=60, most_mb=10)
    recorder = EventRecorder(table, FIELDS)
    for frame in big:
        recorder.note(frame)
    assert 0 < recorder.remembered_mb <= 10


def test_frames_larger_than_the_memory_are_recorded_from_the_alarm_on(tmp_path: Path) -> None:
    frames = film([20.0] * 4 + [90.0] + [20.0] * 6, size=(480, 640))
    watch, recorder = watched(tmp_path, frames, most_mb=1)
    assert recorder.written == [watch.events()[0].recording]
    with coconet.open_rig(tmp_path / recorder.written[0] / "rig.toml", align=False) as pairs:
        replayed = [pair.visible.pixels for pair in pairs]
    assert np.array_equal(replayed, [frame.pair.visible.pixels for frame in frames[4:8]])


def test_a_recording_that_fails_lets_go_of_its_files(tmp_path: Path) -> None:
    first, second, *_ = film([90.0, 20.0])
    four_channels = dataclasses.replace(second.pair.visible, pixels=np.zeros((48, 64, 4), np.uint8))
    damaged = dataclasses.replace(second, pair=dataclasses.replace(second.pair, visible=four_channels))
    _, recorder = watched(tmp_path, [first, damaged])
    assert recorder.written == []
    (scratch,) = tmp_path.iterdir()
    opened = [os.path.realpath(link) for link in Path("/proc/self/fd").iterdir()]
    assert not [path for path in opened if path.startswith(str(scratch))]


def test_a_recording_has_the_time_of_its_alarm_to_the_millisecond(tmp_path: Path) -> None:
    (frame,) = film([90.0])
    with EventRecorder(RecordingTable(folder=str(tmp_path)), FIELDS, lambda: 1.8e9 + 0.9996, reserve_mb=1) as recorder:
        recorder.note(frame)
        assert recorder.begin(event_of(), frame) == "20270115T080000-999Z-hot"


def test_a_place_that_takes_nothing_costs_the_recording_and_not_the_alarm(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    watch, recorder = watched(tmp_path / "taken", film([20.0, 90.0, 20.0]))
    assert [(event.change, event.recording) for event in watch.events()] == [("begun", ""), ("over", "")]
    assert recorder.written == []


def test_only_so_many_recordings_stay(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"20200101T00000{number}-000Z-hot").mkdir()
    (tmp_path / "mine").mkdir()
    watched(tmp_path, film([90.0, 20.0]), keep=2)
    left = sorted(path.name for path in tmp_path.iterdir())
    assert len(left) == 3
    assert left[0] == "20200101T000002-000Z-hot"
    assert left[-1] == "mine"


def test_recordings_that_were_left_unfinished_count_as_well_and_newer_ones_stay(tmp_path: Path) -> None:
    old = [f"20200101T00000{number}-000Z-hot.unfinished" for number in range(3)]
    for name in (*old, "20990101T000000-000Z-hot.unfinished"):
        (tmp_path / name).mkdir()
    watched(tmp_path, film([90.0, 20.0]), keep=2)
    left = sorted(path.name for path in tmp_path.iterdir())
    assert len(left) == 3
    assert (left[0], left[-1]) == (old[2], "20990101T000000-000Z-hot.unfinished")


def test_the_events_of_a_recording_name_it_and_a_single_pair_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="coconet"):
        watch, recorder = watched(tmp_path / "events", film([90.0]))
    (event,) = json.loads((tmp_path / "events" / recorder.written[0] / "events.json").read_text())
    assert event["recording"] == recorder.written[0] == watch.events()[0].recording
    assert any("a single pair" in str(vars(record)) for record in caplog.records)


def test_a_recording_that_is_being_written_is_held_and_let_go_at_its_end(tmp_path: Path) -> None:
    table = RecordingTable.model_validate({"folder": str(tmp_path), "before_s": 0.5, "after_s": 60})
    watch = AlarmWatch([AlarmTable.model_validate({"name": "hot", "meter": METER, "when": "above", "limits": [80]})])
    with EventRecorder(table, FIELDS, now_s=lambda: 1.8e9, reserve_mb=1) as recorder:
        watch.record_with(recorder)
        for frame in film([90.0, 20.0]):
            watch.note(frame)
        (scratch,) = tmp_path.glob("*.unfinished")
        assert is_held(scratch)
    (whole,) = (tmp_path / name for name in recorder.written)
    assert not is_held(whole)
