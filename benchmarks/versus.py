"""Two measurements of a model against each other: the ratio, how sure it is, and a plain verdict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from benchmarks.interval import Interval, Turns, ratio_interval
from benchmarks.result import Row

CONFIDENCE = 0.99
MARGIN = 0.02
"""A change smaller than this is none: another load address of the same program moves more."""

Finding = Literal["slower", "faster", "no difference"]


@dataclass(frozen=True)
class Versus:
    """How B compares with A. ratio: latency of B over A, with its interval; machine: the yardstick's ratio likewise."""

    ratio: Interval
    machine: Interval | None = None

    @property
    def finding(self) -> Finding:
        """Slower or faster only where the whole interval says so, and the machine's own change does not explain it."""
        bounds = [self.ratio]
        if self.machine is not None:
            bounds.append(_over(self.ratio, self.machine))
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
        if self.machine is not None and not 1 / 1.05 < self.machine.value < 1.05:
            words += f"; the machine itself took {self.machine.value:.2f} times as long during B"
        return words


@dataclass(frozen=True)
class Match:
    """A line that two reports share, and how its two measurements compare."""

    first: Row
    second: Row
    versus: Versus


def versus_of(first: Row, second: Row) -> Versus:
    """Compare two timed rows, of one run or of two."""
    machine = None
    if first.yardstick_ms and second.yardstick_ms:
        machine = ratio_interval(_each(first.yardstick_ms), _each(second.yardstick_ms), CONFIDENCE)
    return Versus(ratio_interval(first.turns_ms, second.turns_ms, CONFIDENCE), machine)


def matches(first: Sequence[Row], second: Sequence[Row]) -> Iterator[Match]:
    """Every timed row of `first` that `second` has too, in the order of `first`."""
    others = {row.key: row for row in second if row.latency}
    for row in first:
        if row.latency and row.key in others:
            yield Match(row, others[row.key], versus_of(row, others[row.key]))


def _each(samples: Sequence[float]) -> Turns:
    return [[sample] for sample in samples]


def _over(ratio: Interval, machine: Interval) -> Interval:
    """The ratio after the machine's own change is divided out, by its value: its interval is about other noise."""
    return Interval(*(bound / machine.value for bound in ratio))
