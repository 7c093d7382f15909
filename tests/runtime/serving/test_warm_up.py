"""The first pair of a server tells whether its deadline can be kept; what a model loads with it does not count."""

from __future__ import annotations

from itertools import accumulate, chain

import pytest

from coconet.runtime.backends.rules.baseline import BaselineBackend
from coconet.runtime.commands.serve import _too_slow
from coconet.runtime.serving.model_server import warm_up


@pytest.mark.parametrize(("seconds", "found"), [((0.5,), 0.5), ((3.0, 0.25), 0.25), ((3.0, 2.0), 2.0)])
def test_a_second_pair_is_timed_if_the_first_took_too_long(seconds: tuple[float, ...], found: float) -> None:
    clock = accumulate(chain.from_iterable((0.0, span) for span in seconds))
    assert warm_up(BaselineBackend("average"), 1.0, lambda: next(clock)) == pytest.approx(found)


def test_the_warning_says_what_takes_longer_than_what_and_what_to_allow() -> None:
    said = _too_slow(2.4, 1000)
    assert said.startswith("one pair takes 2400 ms here, longer than --deadline-ms 1000: most requests")
    assert "--deadline-ms 8000 or more" in said
