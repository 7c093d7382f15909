"""What a night came to: times of day, alarms that began and ended, the highest readings, recordings, and files."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from coconet.runtime.alarms.alarm import AlarmTable
from coconet.runtime.alarms.alarm_watch import AlarmWatch
from coconet.runtime.loop.happenings import HappeningsLog
from coconet.runtime.loop.run_stats import RunStats
from coconet.runtime.rig.rig_file import Rig
from tests.support.media.heat_scenes import counts_of, disc_c
from tests.support.programs.command_line import command
from tests.support.rigs.alarm_frames import METER, frame_of, reading_of
from tests.support.rigs.heat_rig import heat_rig

EVENING_S = 1_700_000_000.0  # 2023-11-14 22:13:20 UTC

HOT = AlarmTable.model_validate({"name": "hot", "meter": METER, "when": "above", "limits": [80]})


def test_the_highest_reading_is_kept_with_its_moment_by_the_clock_of_live_cameras() -> None:
    now_s = [EVENING_S]
    gauge = RunStats()
    log = HappeningsLog(gauge, lambda: now_s[0])
    for index, value in enumerate((20.0, 81.5, None, 81.5, 30.0)):
        now_s[0] = EVENING_S + 60 * index
        log(frame_of(reading_of(value), index, capture_to_fused_ms=9.0))
    told = log.happened(Rig.from_addresses("a.mp4", "b.mp4"))
    assert (told.begun_utc, told.ended_utc) == ("2023-11-14T22:13:20.000+00:00", "2023-11-14T22:17:20.000+00:00")
    (peak,) = told.peaks
    assert (peak.meter, peak.value, peak.seconds, peak.utc) == (METER, 81.5, 0.1, "2023-11-14T22:14:20.000+00:00")
    assert (f"highest {METER}", "81.5 °C, 2023-11-14 22:14:20 UTC") in told.facts()
    assert ("time", "2023-11-14 22:13:20 UTC to 2023-11-14 22:17:20 UTC") in told.facts()


def test_the_moment_of_a_reading_of_a_recording_is_that_in_the_recording() -> None:
    log = HappeningsLog(RunStats(), lambda: EVENING_S)
    log(frame_of(reading_of(20.0), 3))
    log(frame_of(reading_of(40.0), 28))
    (peak,) = log.happened(Rig.from_addresses("a.mp4", "b.mp4")).peaks
    assert (peak.utc, str(peak)) == ("", "40.0 °C, 2.5 s after the first frame")


def test_of_a_meter_of_what_is_coldest_the_lowest_reading_is_kept() -> None:
    log = HappeningsLog(RunStats(), lambda: EVENING_S)
    for index, value in enumerate((-3.0, -12.0, None, -5.0)):
        log(frame_of(dataclasses.replace(reading_of(value, max=38.6), kind="coldest"), index))
    told = log.happened(Rig.from_addresses("a.mp4", "b.mp4"))
    assert [(peak.extreme, peak.value, peak.seconds) for peak in told.peaks] == [("lowest", -12.0, 0.1)]
    assert f"lowest {METER}" in dict(told.facts())


def test_of_an_area_the_highest_mean_is_kept_which_is_what_its_meter_shows() -> None:
    log = HappeningsLog(RunStats(), lambda: EVENING_S)
    for index, (mean, hottest) in enumerate(((11.0, 39.9), (11.97, 20.0), (None, 50.0))):
        log(frame_of(dataclasses.replace(reading_of(mean), kind="box", mean=mean, max=hottest), index))
    (peak,) = log.happened(Rig.from_addresses("a.mp4", "b.mp4")).peaks
    assert (peak.value, peak.seconds) == (11.97, 0.1)


def test_alarms_are_counted_and_the_last_of_them_named() -> None:
    gauge, watch = RunStats(), AlarmWatch([HOT])
    gauge.watch_alarms(watch)
    log = HappeningsLog(gauge)
    for index, value in enumerate((20.0, 81.0, 20.0, 81.0)):
        watch.note(frame_of(reading_of(value), index))
    told = log.happened(Rig.from_addresses("a.mp4", "b.mp4"))
    assert [one.change for one in told.alarms] == ["begun", "over", "begun"]
    words = dict(told.facts())["alarm hot"]
    assert words.startswith("begun 2 times, over 1 time, and still on; last: begun 2")
    watch.note(frame_of(reading_of(20.0), 4))
    words = dict(log.happened(Rig.from_addresses("a.mp4", "b.mp4")).facts())["alarm hot"]
    assert words.startswith("begun 2 times, over 2 times; last: over 2")


def test_a_run_tells_what_happened_in_all_three_forms_of_its_report(tmp_path: Path) -> None:
    rig = heat_rig(tmp_path, [counts_of(disc_c(warm)) for warm in (30, 79.9, 81, 40)])
    alarm = '[[alarm]]\nname = "disc hot"\nmeter = "disc"\nwhen = "above"\nlimits = [80]\n'
    recording = '[alarms.recording]\nfolder = "events"\nbefore_s = 60\nafter_s = 60\n'
    rig.write_text(rig.read_text() + alarm + recording)
    words = ("--model", "average", "--reserve-mb", 1, "--heat", 70, "--out", tmp_path / "out.mp4")
    files = ("--json", tmp_path / "night.json", "--html", tmp_path / "night.html")
    ended = command("run", rig, *words, *files)
    assert ended.code == 0, ended.err
    told = json.loads((tmp_path / "night.json").read_text())
    happened = told["happened"]
    assert [(one["alarm"], one["change"]) for one in happened["alarms"]] == [
        ("disc hot", "begun"),
        ("disc hot", "over"),
    ]
    assert [Path(one).parent.name for one in happened["recordings"]] == ["events"]
    assert abs(happened["peaks"][0]["value"] - 81) < 0.01
    assert (happened["heat_percent"], told["files"]) == (70, [str(tmp_path / "out.mp4")])
    page = (tmp_path / "night.html").read_text()
    for told_words in ("disc hot", "begun", "over", "81.0 °C", "out.mp4", happened["alarms"][0]["recording"]):
        assert told_words in page
    for told_words in ("alarm disc hot", "begun 1 time, over 1 time", "81.0 °C", "recorded", "written"):
        assert told_words in ended.out
