"""Verdicts on generated latencies: equals are no different, a slowed twin is found, a slow machine is no excuse."""

from __future__ import annotations

import numpy as np
import pytest

from coconet.benchmarks.results.compare import Comparison, Finding, matches, versus_in_turns, versus_of
from coconet.benchmarks.results.intervals import Interval
from coconet.benchmarks.results.schema import Row

PROCESSES, TURNS, RUNS = 20, 3, 8
ALL = PROCESSES * TURNS


def row(samples: np.ndarray, yardstick: np.ndarray, entry: str = "lite") -> Row:
    made = Row(entry=entry, model="lite", runner="auto", height_px=480, width_px=640)
    return made.timed(samples.tolist(), yardstick.tolist(), [TURNS] * (len(samples) // TURNS), complete=True)


def run(seed: int, scale: float = 1.0, machine: float = 1.0, entry: str = "lite") -> Row:
    """A run as a noisy machine gives it: skewed, with bursts of load that last for several turns, and processes that
    differ for life."""
    random = np.random.default_rng(seed)
    bursts = np.repeat(random.choice([1.0, 1.3], ALL // 5, p=[0.8, 0.2]), 5) * random.normal(1, 0.02, ALL)
    own = np.repeat(random.lognormal(0, 0.02, PROCESSES), TURNS)
    samples = 25 * scale * machine * (own * bursts)[:, None] * random.lognormal(0, 0.05, (ALL, RUNS))
    return row(samples, 5 * machine * bursts * random.lognormal(0, 0.05, ALL), entry)


def test_equals_are_no_different_in_at_least_19_of_20() -> None:
    findings = [versus_of(run(2 * seed), run(2 * seed + 1)).finding for seed in range(40)]
    assert findings.count("no difference") >= 38


@pytest.mark.parametrize(("scale", "wanted"), [(1.10, "slower"), (1 / 1.10, "faster")])
def test_a_tenth_is_found(scale: float, wanted: Finding) -> None:
    findings = [versus_of(run(2 * seed), run(2 * seed + 1, scale)).finding for seed in range(40)]
    assert findings.count(wanted) >= 38


def in_turns(seed: int, scale: float, differing: float = 0.02) -> tuple[Row, Row]:
    """Two models in turns on a machine that half of the time is much slower, for both."""
    random = np.random.default_rng(seed)
    bursts = np.repeat(random.choice([1.0, 2.0], ALL // 5, p=[0.5, 0.5]), 5)
    rows = []
    for own in (1.0, scale):
        process = np.repeat(random.lognormal(0, differing, PROCESSES), TURNS)
        turns = 25 * own * bursts * process * random.lognormal(0, 0.04, ALL)
        rows.append(row(turns[:, None] * random.lognormal(0, 0.05, (ALL, RUNS)), np.ones(ALL)))
    return rows[0], rows[1]


@pytest.mark.parametrize(("scale", "wanted"), [(1.0, "no difference"), (1.10, "slower"), (1 / 1.10, "faster")])
def test_what_slows_a_round_down_is_in_both_of_its_turns(scale: float, wanted: Finding) -> None:
    findings = [versus_in_turns(*in_turns(seed, scale)).finding for seed in range(40)]
    assert findings.count(wanted) >= 38


def test_processes_that_differ_much_are_no_difference_of_models() -> None:
    findings = [versus_in_turns(*in_turns(seed, 1.0, differing=0.1)).finding for seed in range(40)]
    assert findings.count("no difference") >= 38


def test_a_model_of_one_process_is_compared_turn_by_turn() -> None:
    one, other = (side.model_copy(update={"processes": (ALL,)}) for side in in_turns(1, 1.5, differing=0))
    assert versus_in_turns(one, other).finding == "slower"


def test_too_few_turns_find_nothing_and_say_so() -> None:
    few = [side.timed(side.turns_ms[:4], side.yardstick_ms[:4], [4], complete=True) for side in (run(1), run(2, 9.0))]
    for found in (versus_of(*few), versus_in_turns(*few)):
        assert found.finding == "no difference"
        assert found.ratio.value == pytest.approx(9, rel=0.4)
        assert str(found) == "no difference that so few turns could show"


def test_a_change_of_the_machine_alone_is_taken_out_only_as_far_as_it_was_seen_to_matter() -> None:
    steady = np.random.default_rng(3).lognormal(0, 0.01, (ALL, RUNS)) * 25
    yardstick = np.full(ALL, 5.0)
    # A steady machine shows nothing of how the model follows it, so all of the change may be the machine's.
    assert versus_of(row(steady, yardstick), row(1.2 * steady, 1.2 * yardstick)).finding == "no difference"
    assert versus_of(row(steady, yardstick), row(1.2 * steady, yardstick)).finding == "slower"


def test_a_machine_that_was_slower_itself_is_told_apart_from_a_slower_model() -> None:
    found = versus_of(run(1), run(2, machine=1.4))
    assert found.finding == "no difference"
    assert "the machine itself took 1." in str(found)


def test_a_slower_model_on_a_slower_machine_is_slower() -> None:
    assert versus_of(run(1), run(2, scale=1.3, machine=1.4)).finding == "slower"


def test_a_verdict_says_what_it_could_have_seen() -> None:
    assert str(Comparison(Interval(0.96, 1.0, 1.05))) == "no difference (a change of 7% or more would show)"
    assert str(Comparison(Interval(1.05, 1.1, 1.2))) == "slower: 1.10 times, between 1.05 and 1.20 of A's time"


def test_only_lines_of_both_reports_are_compared() -> None:
    rows = [run(1), run(2, entry="coconet")]
    assert [match.first.entry for match in matches(rows, rows[::-1])] == ["lite", "coconet"]
    assert list(matches(rows[:1], rows[1:])) == []
