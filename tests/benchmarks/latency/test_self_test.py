"""The benchmark's test of itself: a slowed twin gives the same pictures, and the four kinds are told apart."""

from __future__ import annotations

import numpy as np

from coconet.benchmarks.latency.self_test import SelfTestResult, SlowedBackend
from coconet.benchmarks.results.compare import versus_of
from coconet.runtime.backends.rules.baseline import BaselineBackend
from tests.support.programs.bench_reports import row_of


def test_a_slowed_backend_changes_no_pixel_and_says_what_it_is() -> None:
    visible, infrared = np.full((8, 8, 3), 40, np.uint8), np.full((8, 8, 1), 80, np.uint8)
    backend = SlowedBackend(BaselineBackend("maximum"), 0.1)
    assert np.array_equal(backend.fuse(visible, infrared), BaselineBackend("maximum").fuse(visible, infrared))
    assert backend.name == "numpy, slowed by 10%"


def test_findings_are_counted_by_kind() -> None:
    equal = versus_of(row_of("a", 25), row_of("b", 25))
    slower = versus_of(row_of("a", 25), row_of("b", 27.5))
    lines = list(SelfTestResult(0.1, (equal, equal), (equal, slower), (slower,), (slower,)).lines())
    assert lines[0].startswith("the same model, measured in turns: 2 of 2 no difference, ratios 1.000 to 1.000")
    assert "1 of 2 no difference (1 slower)" in lines[1]
    assert lines[2].startswith("slowed by 10%, measured in turns: 1 of 1 slower")
