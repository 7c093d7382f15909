"""Effort: when a model has been measured enough."""

from __future__ import annotations

import math

import numpy as np
import pytest

from coconet.benchmarks.latency.stopping_rule import ENDURANCE_FRAMES, SETTLED_PROCESSES, StoppingRule, is_settled
from coconet.errors import CoconetError


def test_a_steady_model_is_settled_as_soon_as_its_p99_has_a_bound() -> None:
    assert not is_settled([10.0] * 300)
    assert is_settled([10.0] * 500)


def test_a_heavy_tail_is_not_settled_by_the_same_number_of_frames() -> None:
    samples = np.random.default_rng(1).pareto(1.5, 500) + 1
    assert not is_settled(samples.tolist())


def test_a_slow_model_ends_at_the_limit_but_not_before_its_least_frames() -> None:
    effort = StoppingRule(least=5, limit_s=10)
    assert not effort.enough([6000.0] * 4, 1)
    assert effort.enough([6000.0] * 5, 1)


def test_a_settled_p99_of_one_process_is_not_that_of_the_model() -> None:
    assert not StoppingRule().enough([10.0] * 500, SETTLED_PROCESSES - 1)
    assert StoppingRule().enough([10.0] * 500, SETTLED_PROCESSES)


def test_a_short_effort_is_shared_among_as_many_processes_and_endurance_is_that_of_one() -> None:
    assert StoppingRule(limit_s=20).process_ms == 1000
    assert StoppingRule(limit_s=4).process_ms == 400
    assert StoppingRule(endurance=True).process_ms == math.inf


def test_repeats_are_exact_and_endurance_needs_both_frames_and_seconds() -> None:
    assert StoppingRule(repeats=3).enough([1.0] * 3, 1)
    endurance = StoppingRule(endurance=True)
    assert not endurance.enough([1.0] * ENDURANCE_FRAMES, 1)
    assert endurance.enough([600.0] * ENDURANCE_FRAMES, 1)


def test_two_rules_at_once_are_refused() -> None:
    with pytest.raises(CoconetError, match="repeats cannot be combined with the endurance rule"):
        StoppingRule(repeats=3, endurance=True)
