"""Two measurements of a model against each other: the ratio, how sure it is, and a plain verdict."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from coconet.benchmarks.results.intervals import Interval, midmean, paired_shift, shift
from coconet.benchmarks.results.schema import Row

CONFIDENCE = 0.98
"""Of the interval that has to lie beyond MARGIN as a whole."""

MARGIN = 0.02
"""A change smaller than this is none: another load address of the same program moves more."""

STRETCHES = 10
"""The most stretches that a run is cut into. Turns beside each other share their process and their neighbours on the
machine; counted one by one they would pass for more evidence than they are."""

DEVIATIONS = 2.0
"""How many standard errors the share of the yardstick's change that a model feels may be off."""

Finding = Literal["slower", "faster", "no difference"]


@dataclass(frozen=True)
class Comparison:
    """How B compares with A.

    ratio: latency of B over A, with its interval, after what the yardstick explains is taken out; the bounds are 0 and
    infinity where there was too little to know them.
    machine: how many times as long the yardstick took during B.
    """

    ratio: Interval
    machine: float = 1.0

    @property
    def finding(self) -> Finding:
        """Slower or faster only where the whole interval says so."""
        if self.ratio.low > 1 + MARGIN:
            return "slower"
        if self.ratio.high < 1 / (1 + MARGIN):
            return "faster"
        return "no difference"

    def __str__(self) -> str:
        ratio = self.ratio
        if self.finding != "no difference":
            change = ratio.value if self.finding == "slower" else 1 / ratio.value
            return f"{self.finding}: {change:.2f} times, between {ratio.low:.2f} and {ratio.high:.2f} of A's time"
        if math.isinf(ratio.high):
            return "no difference that so few turns could show"
        seen = max(ratio.high / ratio.value, ratio.value / ratio.low) - 1 + MARGIN
        words = f"no difference (a change of {seen:.0%} or more would show)"
        if not 1 / 1.05 < self.machine < 1.05:
            words += f"; the machine itself took {self.machine:.2f} times as long during B"
        return words


@dataclass(frozen=True)
class Match:
    """A line that two reports share, and how its two measurements compare."""

    first: Row
    second: Row
    versus: Comparison


def versus_in_turns(first: Row, second: Row) -> Comparison:
    """Compare two timed rows of one run, round by round: both turns of a round met the same neighbours.

    Rounds are taken together by the processes of the row that had fewer of them.
    """
    one, other = _Side.of(first), _Side.of(second)
    rounds = min(len(one.turns), len(other.turns))
    apart = other.turns[:rounds] - one.turns[:rounds]
    fewer = min(first.processes, second.processes, key=len)
    for stretches in _cuttings(fewer, rounds):
        found = paired_shift(_middles(apart, stretches), CONFIDENCE)
        if math.isfinite(found.high):
            break
    return Comparison(_as_ratio(found))


def versus_of(first: Row, second: Row) -> Comparison:
    """Compare two timed rows of two runs.

    What slows the machine down slows the yardstick too, so each stretch is corrected by its own yardstick, as far as
    the two were seen to move together within each run (a control variate with the slope of least squares, in
    logarithms; Glasserman, Monte Carlo Methods in Financial Engineering, 2003, 4.1). The interval is wide enough for
    every slope within DEVIATIONS standard errors.
    """
    rows = first, second
    for cut in zip(*(_cuttings(row.processes, len(row.turns_ms)) for row in rows), strict=True):
        one, other = (_Side.of(row).over(stretches) for row, stretches in zip(rows, cut, strict=True))
        found = [shift(one.corrected(slope), other.corrected(slope), CONFIDENCE) for slope in _slopes(one, other)]
        if math.isfinite(found[0].high):
            break
    bounds = Interval(min(each.low for each in found), found[1].value, max(each.high for each in found))
    return Comparison(_as_ratio(bounds), math.exp(midmean(other.yardstick) - midmean(one.yardstick)))


def matches(first: Sequence[Row], second: Sequence[Row]) -> Iterator[Match]:
    """Every timed row of `first` that `second` has too, in the order of `first`."""
    others = {row.key: row for row in second if row.latency}
    for row in first:
        if row.latency and row.key in others:
            yield Match(row, others[row.key], versus_of(row, others[row.key]))


class _Side(NamedTuple):
    """Logarithms of latencies, and of the yardstick beside each."""

    turns: NDArray[np.float64]
    yardstick: NDArray[np.float64]

    @classmethod
    def of(cls, row: Row) -> _Side:
        """The median of every turn."""
        return cls(np.log([np.median(turn) for turn in row.turns_ms]), np.log(row.yardstick_ms))

    def over(self, stretches: Sequence[NDArray[np.intp]]) -> _Side:
        """One value a stretch of turns."""
        return _Side(_middles(self.turns, stretches), _middles(self.yardstick, stretches))

    def corrected(self, slope: float) -> NDArray[np.float64]:
        """The latencies without what the yardstick explains."""
        return self.turns - slope * self.yardstick


def _cuttings(processes: Sequence[int], turns: int) -> Iterator[list[NDArray[np.intp]]]:
    """Two ways to cut `turns` turns into stretches: between processes, and anywhere, if those are too few."""
    ends = np.cumsum(processes)
    for pieces in (np.split(np.arange(turns), ends[ends < turns]), np.split(np.arange(turns), turns)):
        groups = np.array_split(np.arange(len(pieces)), min(STRETCHES, len(pieces)))
        yield [np.concatenate([pieces[index] for index in group]) for group in groups]


def _middles(values: NDArray[np.float64], stretches: Sequence[NDArray[np.intp]]) -> NDArray[np.float64]:
    return np.array([midmean(values[stretch]) for stretch in stretches])


def _slopes(*sides: _Side) -> tuple[float, float, float]:
    """How far latency follows the yardstick within each side, 0..1: at least, most likely and at most."""
    turns, yardstick = (np.concatenate([part - part.mean() for part in parts]) for parts in zip(*sides, strict=True))
    variance, freedom = float(yardstick @ yardstick), len(turns) - len(sides) - 1
    if np.isclose(variance, 0) or freedom < 1:
        return 0.0, 0.0, 1.0
    slope = float(turns @ yardstick) / variance
    rest = turns - slope * yardstick
    error = math.sqrt(float(rest @ rest) / freedom / variance)
    low, likely, high = np.clip([slope - DEVIATIONS * error, slope, slope + DEVIATIONS * error], 0, 1)
    return float(low), float(likely), float(high)


def _as_ratio(apart: Interval) -> Interval:
    """The ratio of a difference of logarithms."""
    return Interval(*(math.exp(bound) for bound in apart))
