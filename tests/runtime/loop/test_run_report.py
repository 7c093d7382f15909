"""The report of a run, in both of its forms."""

from __future__ import annotations

import dataclasses
import io
import json

import pytest

from coconet.runtime.loop.latency_log import Percentiles
from coconet.runtime.loop.run_report import RunReport
from coconet.runtime.pairing.stream_counts import CameraCount, StreamCounts, Unpaired
from coconet.terminal.console import Console

REPORT = RunReport(
    model="lite",
    precision="int8",
    backend="ONNX Runtime",
    counts=StreamCounts(CameraCount(31, 30, 1), CameraCount(40, 30, 10, Unpaired(spare=4, too_far=6))),
    fused=30,
    seconds=2.0,
    latency_ms=Percentiles(20.0, 25.0, 31.0),
    skew_ms=Percentiles(4.0, 9.0, 9.5),
    interrupted=True,
)


def test_json_holds_every_number_and_the_rate() -> None:
    told = json.loads(REPORT.to_json())
    assert told["fps"] == 15.0
    infrared = told["counts"]["infrared"]
    assert (infrared["read"], infrared["paired"], infrared["dropped"]) == (40, 30, 10)
    assert infrared["unpaired"] == {
        "spare": 4,
        "too_far": 6,
        "missing": 0,
        "stale": 0,
        "late": 0,
        "after_end": 0,
    }
    assert told["latency_ms"] == {"p50": 20.0, "p95": 25.0, "p99": 31.0}
    assert (told["model"], told["precision"], told["fused"]) == ("lite", "int8", 30)


def test_pictures_of_the_local_model_are_counted_where_there_are_any() -> None:
    assert "local model" not in str(REPORT.facts())
    report = dataclasses.replace(REPORT, taken_over=7)
    assert ", 7 of the local model" in dict(report.facts())["fused"]
    assert json.loads(report.to_json())["taken_over"] == 7


def test_frames_without_a_server_are_not_those_of_one_camera_and_it_is_said_how_long_it_was_lost() -> None:
    report = dataclasses.replace(REPORT, passed_through=20, without_server=17, server_losses=2, server_lost_s=6.25)
    facts = dict(report.facts())
    assert ", 3 of one camera alone, 17 not fused for want of the server" in facts["fused"]
    assert facts["server"] == "lost 2 times, 6.2 s in all"
    told = json.loads(report.to_json())
    assert (told["without_server"], told["server_losses"], told["server_lost_s"]) == (17, 2, 6.25)
    both = dataclasses.replace(report, passed_through=17, server_losses=1)
    assert "one camera alone" not in dict(both.facts())["fused"]
    assert dict(both.facts())["server"] == "lost once, 6.2 s in all"
    assert "server" not in dict(REPORT.facts())


def test_the_table_says_what_a_user_asks_for() -> None:
    page = io.StringIO()
    Console(width=100, file=page).print(REPORT.to_table())
    wanted = (
        "lite int8, ONNX Runtime",
        "40 frames read, 30 paired, 10 dropped (4 spare, 6 too far)",
        "30 frames in 2.0 s, 15.0 fps, stopped before the end",
        "p50 20.0 ms, p95 25.0 ms, p99 31.0 ms",
        "p50 4.0 ms, p95 9.0 ms",
    )
    assert [words for words in wanted if words not in page.getvalue()] == []


@pytest.mark.parametrize(
    ("unpaired", "trouble"),
    [
        (Unpaired(spare=30), ""),
        (Unpaired(late=30), ""),
        (Unpaired(too_far=6, missing=3), ""),
        (Unpaired(1, 6, 3, 1), "10 of 40 infrared frames found no partner (6 too far, 3 missing, 1 stale)"),
        (Unpaired(spare=20, after_end=10), "10 of 40 infrared frames found no partner (10 after end)"),
    ],
)
def test_a_quarter_of_the_frames_without_a_partner_is_trouble(unpaired: Unpaired, trouble: str) -> None:
    counts = StreamCounts(CameraCount(31, 30, 1), CameraCount(40, 10, 30, unpaired))
    assert dataclasses.replace(REPORT, counts=counts, interrupted=False).trouble == trouble
    assert dataclasses.replace(REPORT, counts=counts, interrupted=True).trouble == ""


@pytest.mark.parametrize(
    ("unpaired", "remedy"),
    [
        (Unpaired(too_far=20), "coconet offset"),
        (Unpaired(missing=20, after_end=9), "The visible recording has no frames at those times"),
        (Unpaired(missing=2, after_end=20), "The visible recording ends first"),
        (Unpaired(stale=20), "The time stamps of the infrared recording do not increase"),
        (Unpaired(spare=20), ""),
    ],
)
def test_what_is_advised_depends_on_what_most_of_the_frames_lacked(unpaired: Unpaired, remedy: str) -> None:
    counts = StreamCounts(CameraCount(31, 30, 1), CameraCount(40, 10, 30, unpaired))
    assert dataclasses.replace(REPORT, counts=counts).remedy.startswith(remedy)
    assert bool(counts.remedy) == bool(remedy)


def test_frames_that_nobody_read_after_the_other_side_had_ended_are_lost_too() -> None:
    counts = StreamCounts(CameraCount(38, 30, 8, Unpaired(after_end=8), unread=62), CameraCount(30, 30))
    assert counts.trouble == "70 of 100 visible frames found no partner (70 after end)"
    assert "62 more after the other's end" in dict(dataclasses.replace(REPORT, counts=counts).rows())["visible"]
