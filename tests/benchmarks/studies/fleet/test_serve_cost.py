"""What serving costs, held against sums done by hand."""

from __future__ import annotations

import pytest

from coconet.benchmarks.studies.fleet.serve_cost import Turn


def test_a_pair_that_costs_more_when_it_is_served_has_a_ratio_below_one() -> None:
    turn = Turn(served_ms=30, bare_ms=27, served_fps=20, bare_fps=25, slow_ms=90)
    assert turn.ratio == pytest.approx(0.9)
    assert turn.clock_ratio == pytest.approx(0.8)
