"""The vitals of a run, as another thread reads them."""

from __future__ import annotations

import json

import pytest

from coconet.runtime.backends.baseline import BaselineBackend
from coconet.runtime.loop.pipeline import run_pipeline
from coconet.runtime.loop.run_stats import RECENT_FRAMES, Gauge
from coconet.runtime.pairing.camera_health import CameraHealth
from tests.support.frames import timed_frame
from tests.support.loop_ends import Recording, Shelf


def test_before_a_run_there_are_no_vitals() -> None:
    assert Gauge().vitals() is None


def test_a_run_fills_the_vitals_with_its_model_its_stages_and_its_counts() -> None:
    gauge = Gauge()
    run_pipeline(Recording(30), BaselineBackend("maximum"), Shelf(), gauge=gauge)
    told = gauge.vitals()
    assert told is not None
    assert (told.model, told.backend, told.fused, told.visible, told.drift_px) == ("maximum", "numpy", 30, None, None)
    assert [stage.stage for stage in told.stages] == ["prepare", "queue", "fuse", "sink queue", "write"]
    assert told.skew_ms is not None
    assert told.skew_ms.p50 == pytest.approx(5.0)


def test_percentiles_are_over_the_recent_frames_and_counts_over_all() -> None:
    gauge = Gauge()
    gauge.begin(BaselineBackend().card, "numpy", lambda: 7)
    for latency_ms in [1000.0] * 20 + [4.0] * RECENT_FRAMES:
        gauge.note(timed_frame(latency_ms=latency_ms))
    told = gauge.vitals()
    assert told is not None
    assert told.latency_ms is not None
    assert told.capture_to_fused_ms is not None
    assert (told.latency_ms.p99, told.capture_to_fused_ms.p50, told.fused) == (4.0, 8.0, RECENT_FRAMES + 20)
    assert told.superseded == 7


def test_frames_of_one_camera_alone_are_counted_and_not_timed() -> None:
    gauge = Gauge()
    gauge.begin(BaselineBackend().card, "numpy", lambda: 0)
    gauge.note(timed_frame(latency_ms=50.0, missing=frozenset({"infrared"})))
    told = gauge.vitals()
    assert told is not None
    assert (told.fused, told.passed_through, told.latency_ms, told.skew_ms) == (1, 1, None, None)


def test_the_cameras_and_the_drift_are_asked_when_the_vitals_are() -> None:
    gauge = Gauge()
    gauge.begin(BaselineBackend().card, "numpy", lambda: 0)
    gauge.watch(lambda: (CameraHealth("front", "live"), CameraHealth("boson", "shutter")), lambda: 1.5)
    told = gauge.vitals()
    assert told is not None
    line = json.loads(told.to_json())
    assert (line["infrared"]["state"], line["visible"]["name"], line["drift_px"]) == ("shutter", "front", 1.5)
