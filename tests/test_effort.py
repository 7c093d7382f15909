"""Effort: when a model has been measured enough."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.effort import ENDURANCE_FRAMES, Effort, settled
from coconet.errors import CoconetError


def test_a_steady_model_is_settled_as_soon_as_its_p99_has_a_bound() -> None:
    assert not settled([10.0] * 300)
    assert settled([10.0] * 500)


def test_a_heavy_tail_is_not_settled_by_the_same_number_of_frames() -> None:
    samples = np.random.default_rng(1).pareto(1.5, 500) + 1
    assert not settled(samples.tolist())


def test_a_slow_model_ends_at_the_limit_but_not_before_its_least_frames() -> None:
    effort = Effort(least=5, limit_s=10)
    assert not effort.enough([6000.0] * 4)
    assert effort.enough([6000.0] * 5)


def test_repeats_are_exact_and_endurance_needs_both_frames_and_seconds() -> None:
    assert Effort(repeats=3).enough([1.0] * 3)
    endurance = Effort(endurance=True)
    assert not endurance.enough([1.0] * ENDURANCE_FRAMES)
    assert endurance.enough([600.0] * ENDURANCE_FRAMES)


def test_two_rules_at_once_are_refused() -> None:
    with pytest.raises(CoconetError, match="either a number of repeats or the endurance rule"):
        Effort(repeats=3, endurance=True)
