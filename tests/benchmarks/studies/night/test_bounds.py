from __future__ import annotations

import numpy as np
import pytest

from coconet.benchmarks.studies.night.bounds import newly_clipped, outside


def halves(left: int, right: int) -> np.ndarray:
    return np.repeat(np.array([[left, right]], np.uint8), 100, axis=1).repeat(40, axis=0)


def test_outside_is_what_lies_beyond_both_sources_by_more_than_the_grace() -> None:
    visible, infrared = halves(60, 60), halves(90, 90)
    assert outside(halves(53, 97), visible, infrared) == 0.0
    assert outside(halves(30, 75), visible, infrared) == pytest.approx(0.5, abs=0.05)
    assert outside(halves(75, 120), visible, infrared) == pytest.approx(0.5, abs=0.05)


def test_texture_that_averages_out_is_not_outside() -> None:
    checkers = np.tile(np.array([[0, 120], [120, 0]], np.uint8), (20, 100))
    assert outside(checkers, halves(60, 60), halves(60, 60)) == 0.0


def test_what_a_source_has_clipped_may_be_clipped() -> None:
    black, gray, white = halves(0, 0), halves(100, 100), halves(255, 255)
    assert newly_clipped(halves(0, 255), gray, gray) == 1.0
    assert newly_clipped(halves(0, 255), black, gray) == 0.5
    assert newly_clipped(halves(0, 255), black, white) == 0.0
    assert newly_clipped(halves(1, 254), gray, gray) == 0.0
