"""Two measurements of a model against each other: the ratio, how sure it is, and a plain verdict."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.interval import PAIRS, Interval, paired_interval, ratio_interval
from benchmarks.result import Row

CONFIDENCE, TURNS_CONFIDENCE = 0.99, 0.95
"""Of two runs, where a burst of load may meet one of them alone, and of turns, where it meets both."""

MARGIN = 0.02
"""A change smaller than this is none: another load address of the same program moves more."""

Finding = Literal["slower", "faster", "no difference"]


@dataclass(frozen=True)
class Versus:
    """How B compares with A.

    ratio: latency of B over A, with its interval, after what the yardstick explains is taken out.
    machine: how many times as long the yardstick took during B. explained: the share of a change of the yardstick, as
    a power, that was seen in the latency and so taken out, 0..1.
    """

    ratio: Interval
    machine: float = 1.0
    explained: float = 0.0

    @property
    def finding(self) -> Finding:
        """Slower or faster only where the whole interval says so, even if all of the machine's change is taken out."""
        rest = self.machine ** (1 - self.explained)
        bounds = [self.ratio, Interval(*(bound / rest for bound in self.ratio))]
        if all(found.low > 1 + MARGIN for found in bounds):
            return "slower"
        if all(found.high < 1 / (1 + MARGIN) for found in bounds):
            return "faster"
        return "no difference"

    def __str__(self) -> str:
        ratio = self.ratio
        if self.finding != "no difference":
            change = ratio.value if self.finding == "slower" else 1 / ratio.value
            return f"{self.finding}: {change:.2f} times, between {ratio.low:.2f} and {ratio.high:.2f} of A's time"
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
    versus: Versus


def versus_in_turns(first: Row, second: Row) -> Versus:
    """Compare two timed rows of one run, round by round: both turns of a round met the same neighbours.

    Rows of few turns, as a slow model has them, are compared as those of two runs are.
    """
    if min(len(first.turns_ms), len(second.turns_ms)) < PAIRS:
        return versus_of(first, second)
    return Versus(paired_interval(first.turns_ms, second.turns_ms, TURNS_CONFIDENCE))


def versus_of(first: Row, second: Row) -> Versus:
    """Compare two timed rows of two runs.

    What slows the machine down slows the yardstick too, so each turn is corrected by the yardstick before it, as far
    as the two were seen to move together (a control variate with the slope of least squares within each run, in
    logarithms, between 0 and 1; Glasserman, Monte Carlo Methods in Financial Engineering, 2003, 4.1).
    """
    sides = [_Side.of(row) for row in (first, second)]
    slope = _slope(sides)
    middle = float(np.median(sides[0].yardstick))
    one, other = ([[float(turn)] for turn in np.exp(s.turns - slope * (s.yardstick - middle))] for s in sides)
    machine = math.exp(float(np.median(sides[1].yardstick)) - middle)
    return Versus(ratio_interval(one, other, CONFIDENCE), machine, slope)


def matches(first: Sequence[Row], second: Sequence[Row]) -> Iterator[Match]:
    """Every timed row of `first` that `second` has too, in the order of `first`."""
    others = {row.key: row for row in second if row.latency}
    for row in first:
        if row.latency and row.key in others:
            yield Match(row, others[row.key], versus_of(row, others[row.key]))


class _Side(NamedTuple):
    """Logarithms of the median of every turn and of the yardstick before it."""

    turns: NDArray[np.float64]
    yardstick: NDArray[np.float64]

    @classmethod
    def of(cls, row: Row) -> _Side:
        turns = np.log([np.median(turn) for turn in row.turns_ms])
        return cls(turns, np.log(row.yardstick_ms) if row.yardstick_ms else np.zeros(len(turns)))


def _slope(sides: Sequence[_Side]) -> float:
    """How far a turn follows its yardstick, within each side; 0 where the yardstick did not move."""
    centred = [[part - part.mean() for part in side] for side in sides]
    variance = sum(float(yardstick @ yardstick) for _, yardstick in centred)
    together = sum(float(turns @ yardstick) for turns, yardstick in centred)
    return min(1.0, max(0.0, together / variance)) if variance > 0 else 0.0
