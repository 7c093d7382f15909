from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, cycle, repeat

import pytest

from coconet.cards.model_card import ModelCard
from coconet.media.pixels import Pixels
from coconet.runtime.backends.rules.baseline import BaselineBackend
from coconet.runtime.cameras.synthetic.camera import synthetic_pairs
from coconet.runtime.frame import FramePair
from coconet.runtime.verify.speedup import measure_speedup


class Clock:
    """Time that passes only while a model fuses."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


class Timed:
    """A model that takes the next of some durations."""

    card: ModelCard
    name = "timed"

    def __init__(self, clock: Clock, seconds: Iterator[float]) -> None:
        self._clock, self._seconds, self._model = clock, seconds, BaselineBackend("average")
        self.card = self._model.card

    def fuse(self, visible: Pixels, infrared: Pixels) -> Pixels:
        self._clock.now_s += next(self._seconds)
        return self._model.fuse(visible, infrared)

    def close(self) -> None:
        pass


@pytest.fixture
def pair() -> FramePair:
    return next(iter(synthetic_pairs(1)))


def test_twice_as_fast_is_two_and_the_first_call_does_not_count(pair: FramePair) -> None:
    clock = Clock()
    slow, fast = (Timed(clock, chain([9.0], repeat(seconds))) for seconds in (0.2, 0.1))
    assert measure_speedup(slow, fast, pair, clock=clock) == pytest.approx(2.0)
    assert measure_speedup(fast, slow, pair, clock=clock) == pytest.approx(0.5)


def test_a_machine_that_is_disturbed_now_and_then_changes_nothing(pair: FramePair) -> None:
    clock = Clock()
    slow, fast = Timed(clock, cycle([0.2, 0.2, 5.0, 0.2])), Timed(clock, repeat(0.1))
    assert measure_speedup(slow, fast, pair, clock=clock) == pytest.approx(2.0)
