"""Verdicts on generated latencies: equals are no different, a slowed twin is found, a slow machine is no excuse."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.interval import Interval
from benchmarks.result import Row
from benchmarks.versus import Versus, matches, versus_in_turns, versus_of

TURNS, RUNS = 60, 8


def run(seed: int, scale: float = 1.0, machine: float = 1.0, entry: str = "lite") -> Row:
    """A run as a noisy machine gives it: skewed, with bursts of load that last for several turns."""
    random = np.random.default_rng(seed)
    bursts = np.repeat(random.choice([1.0, 1.3], TURNS // 5, p=[0.8, 0.2]), 5) * random.normal(1, 0.02, TURNS)
    samples = 25 * scale * machine * bursts[:, None] * random.lognormal(0, 0.05, (TURNS, RUNS))
    yardstick = 5 * machine * bursts * random.lognormal(0, 0.05, TURNS)
    row = Row(entry=entry, model="lite", runner="auto", height_px=480, width_px=640)
    return row.timed(samples.tolist(), yardstick.tolist(), complete=True)


def test_equals_are_no_different_in_at_least_19_of_20() -> None:
    findings = [versus_of(run(2 * seed), run(2 * seed + 1)).finding for seed in range(40)]
    assert findings.count("no difference") >= 38


@pytest.mark.parametrize(("scale", "wanted"), [(1.10, "slower"), (1 / 1.10, "faster")])
def test_a_tenth_is_found(scale: float, wanted: str) -> None:
    findings = [versus_of(run(2 * seed), run(2 * seed + 1, scale)).finding for seed in range(40)]
    assert findings.count(wanted) >= 38


def in_turns(seed: int, scale: float) -> tuple[Row, Row]:
    """Two models in turns on a machine that half of the time is much slower, for both."""
    random = np.random.default_rng(seed)
    bursts = np.repeat(random.choice([1.0, 2.0], TURNS // 6, p=[0.5, 0.5]), 6)[:20]
    rows = []
    for own in (1.0, scale):
        samples = 25 * own * (bursts * random.lognormal(0, 0.04, 20))[:, None] * random.lognormal(0, 0.05, (20, RUNS))
        row = Row(entry=f"{own}", model="lite", runner="auto", height_px=480, width_px=640)
        rows.append(row.timed(samples.tolist(), [1.0] * 20, complete=True))
    return rows[0], rows[1]


@pytest.mark.parametrize(("scale", "wanted"), [(1.0, "no difference"), (1.10, "slower"), (1 / 1.10, "faster")])
def test_what_slows_a_round_down_is_in_both_of_its_turns(scale: float, wanted: str) -> None:
    findings = [versus_in_turns(*in_turns(seed, scale)).finding for seed in range(40)]
    assert findings.count(wanted) >= 38


def test_few_turns_are_compared_as_two_runs_are() -> None:
    one, other = (row.timed(row.turns_ms[:5], row.yardstick_ms[:5], complete=True) for row in (run(1), run(2)))
    assert versus_in_turns(one, other) == versus_of(one, other)


def test_a_machine_that_was_slower_itself_is_told_apart_from_a_slower_model() -> None:
    found = versus_of(run(1), run(2, machine=1.4))
    assert found.finding == "no difference"
    assert "the machine itself took 1." in str(found)


def test_a_slower_model_on_a_slower_machine_is_slower() -> None:
    assert versus_of(run(1), run(2, scale=1.3, machine=1.4)).finding == "slower"


def test_a_verdict_says_what_it_could_have_seen() -> None:
    assert str(Versus(Interval(0.96, 1.0, 1.05))) == "no difference (a change of 7% or more would show)"
    assert str(Versus(Interval(1.05, 1.1, 1.2))) == "slower: 1.10 times, between 1.05 and 1.20 of A's time"


def test_only_lines_of_both_reports_are_compared() -> None:
    rows = [run(1), run(2, entry="coconet")]
    assert [match.first.entry for match in matches(rows, rows[::-1])] == ["lite", "coconet"]
    assert list(matches(rows[:1], rows[1:])) == []
