"""Percentiles and the log of latencies, against independent formulas."""

from __future__ import annotations

import statistics
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coconet.runtime.loop.latency_log import LatencyLog, Percentiles
from tests.support.media.frames import timed_frame


@given(st.lists(st.floats(0, 1e6), min_size=2, max_size=50))
def test_percentiles_are_those_of_the_standard_library(samples: list[float]) -> None:
    cuts = statistics.quantiles(samples, n=100, method="inclusive")
    found = Percentiles.of(samples)
    assert (found.p50, found.p95, found.p99) == pytest.approx((cuts[49], cuts[94], cuts[98]))


def test_one_sample_is_every_percentile() -> None:
    assert Percentiles.of([4.0]) == Percentiles(4.0, 4.0, 4.0)


def test_skew_counts_in_both_directions() -> None:
    log = LatencyLog()
    for skew_ms in (-8.0, 8.0, -8.0):
        log.add(timed_frame(skew_ms=skew_ms))
    assert log.newest().percentiles("skew") == Percentiles(8.0, 8.0, 8.0)


def test_a_long_run_forgets_its_beginning_but_not_its_length() -> None:
    log = LatencyLog(history_frames=3)
    for latency_ms in (1000.0, 1.0, 2.0, 3.0):
        log.add(timed_frame(latency_ms=latency_ms))
    assert log.frames == 4
    found = log.newest().percentiles("fuse")
    assert found is not None
    assert found.p50 == 2.0
    assert found.p99 < 3.0


def test_a_log_takes_all_of_its_memory_at_once() -> None:
    log, frame = LatencyLog(), timed_frame()
    log.add(frame)
    tracemalloc.start()
    try:
        for _ in range(5000):
            log.add(frame)
        grown_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert grown_bytes < 5000


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=40), st.integers(1, 12))
def test_percentiles_of_the_newest_are_those_of_the_end_of_the_list(samples: list[float], last: int) -> None:
    log = LatencyLog(history_frames=10)
    for latency_ms in samples:
        log.add(timed_frame(latency_ms))
    assert log.newest(last).percentiles("fuse") == Percentiles.of(samples[-min(last, 10) :])
