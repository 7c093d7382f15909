"""The vitals of a run, as another thread reads them."""

from __future__ import annotations

import json
from threading import Thread

import pytest

from coconet.runtime.backends.rules.baseline import BaselineBackend
from coconet.runtime.loop.latency_log import Percentiles
from coconet.runtime.loop.pipeline import run_pipeline
from coconet.runtime.loop.run_report import RunReport
from coconet.runtime.loop.run_stats import RECENT_FRAMES, RunStats
from coconet.runtime.pairing.camera_health import CameraHealth
from coconet.runtime.pairing.stream_counts import CameraCount, StreamCounts
from tests.support.media.frames import timed_frame
from tests.support.rigs.loop_ends import Recording, Shelf


def test_before_a_run_there_are_no_vitals() -> None:
    assert RunStats().vitals() is None


def test_a_run_fills_the_vitals_with_its_model_its_stages_and_its_counts() -> None:
    gauge = RunStats()
    run_pipeline(Recording(30), BaselineBackend("maximum"), Shelf(), gauge=gauge)
    told = gauge.vitals()
    assert told is not None
    assert (told.model, told.backend, told.fused, told.visible, told.drift_px) == ("maximum", "numpy", 30, None, None)
    assert [stage.stage for stage in told.stages] == ["prepare", "queue", "fuse", "sink queue", "write"]
    assert told.skew_ms is not None
    assert told.skew_ms.p50 == pytest.approx(5.0)


def test_percentiles_are_over_the_recent_frames_and_counts_over_all() -> None:
    gauge = RunStats()
    gauge.begin(BaselineBackend().card, "numpy", lambda: 7)
    for latency_ms in [1000.0] * 20 + [4.0] * RECENT_FRAMES:
        gauge.note(timed_frame(latency_ms=latency_ms))
    told = gauge.vitals()
    assert told is not None
    assert told.latency_ms is not None
    assert told.capture_to_fused_ms is not None
    assert (told.latency_ms.p99, told.capture_to_fused_ms.p50, told.fused) == (4.0, 8.0, RECENT_FRAMES + 20)
    assert told.superseded == 7


def test_frames_are_booked_while_the_percentiles_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    gauge, booked = RunStats(), list[bool]()
    gauge.begin(BaselineBackend().card, "numpy", lambda: 0)
    gauge.note(timed_frame())

    def find(_samples: object) -> Percentiles:
        thread = Thread(target=gauge.note, args=(timed_frame(),), daemon=True)
        thread.start()
        thread.join(10.0)
        booked.append(not thread.is_alive())
        return Percentiles(1.0, 1.0, 1.0)

    monkeypatch.setattr(Percentiles, "of", find)
    gauge.figures()
    gauge.vitals()
    assert booked
    assert all(booked)


def test_frames_of_one_camera_alone_are_counted_and_not_timed() -> None:
    gauge = RunStats()
    gauge.begin(BaselineBackend().card, "numpy", lambda: 0)
    gauge.note(timed_frame(latency_ms=50.0, missing=frozenset({"infrared"})))
    told = gauge.vitals()
    assert told is not None
    assert (told.fused, told.passed_through, told.latency_ms, told.skew_ms) == (1, 1, None, None)


def test_the_cameras_and_the_drift_are_asked_when_the_vitals_are() -> None:
    gauge = RunStats()
    gauge.begin(BaselineBackend().card, "numpy", lambda: 0)
    gauge.watch(lambda: (CameraHealth("front", "live"), CameraHealth("boson", "shutter")), lambda: 1.5)
    told = gauge.vitals()
    assert told is not None
    line = json.loads(told.to_json())
    assert (line["infrared"]["state"], line["visible"]["name"], line["drift_px"]) == ("shutter", "front", 1.5)


def test_a_report_is_over_the_whole_run_and_the_vitals_over_its_newest_frames_out_of_one_record() -> None:
    gauge = RunStats()
    gauge.begin(BaselineBackend().card, "numpy", lambda: 7)
    for latency_ms in [1000.0] * 20 + [4.0] * RECENT_FRAMES:
        gauge.note(timed_frame(latency_ms, missing=frozenset()))
    gauge.note(timed_frame(9.0, missing=frozenset({"infrared"})))
    now, counts = gauge.vitals(), StreamCounts(CameraCount(200, 171, 29), CameraCount(171, 171))
    report = RunReport.of(gauge.figures(), counts, interrupted=True)
    assert now is not None
    assert now.latency_ms is not None
    assert report.latency_ms is not None
    assert (now.latency_ms.p99, report.latency_ms.p99) == (4.0, 1000.0)
    for name in ("model", "precision", "backend", "fused", "passed_through", "superseded"):
        assert getattr(now, name) == getattr(report, name)
    assert (report.fused, report.passed_through, report.interrupted, report.counts) == (171, 1, True, counts)


def test_a_record_is_of_one_run() -> None:
    gauge = RunStats()
    with pytest.raises(RuntimeError, match="once its run has begun"):
        gauge.figures()
    for length in (3, 5):
        report = run_pipeline(Recording(length), BaselineBackend(), Shelf(), gauge=gauge)
        assert report.fused == length


KEYS = (
    *("model", "precision", "backend", "visible", "infrared", "fused", "passed_through", "fps", "latency_ms"),
    *("capture_to_fused_ms", "skew_ms", "stages", "superseded", "drift_px", "pairing_trouble", "output_trouble"),
    *("model_trouble", "meters", "taken_over", "without_server", "server_losses", "server_lost_s"),
)


def test_vitals_have_the_keys_that_programs_read() -> None:
    gauge = RunStats()
    gauge.begin(BaselineBackend().card, "numpy", lambda: 0)
    told = gauge.vitals()
    assert told is not None
    assert tuple(json.loads(told.to_json())) == KEYS
