"""What a frame says about an alarm: that it is so, that it is not, or nothing, and then why."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from coconet.runtime.alarms.alarm import AlarmTable
from coconet.runtime.heat.reading import Reading

_RATE_SHARE = 0.5  # of over_s has to be behind a rate: two frames apart would measure noise


@dataclass(frozen=True)
class Evidence:
    """holds: whether the alarm's condition is met; None is unknown, and `blind` says why. value: what was looked at.

    at_most_over: whether it would be over by its hysteresis as well; only then an alarm that is on may end.
    """

    holds: bool | None
    is_over: bool = False
    value: float | None = None
    blind: str = ""


class MeterEvidence:
    """Looks at readings of one meter, one after the other."""

    def __init__(self, table: AlarmTable) -> None:
        """Judge by `table`, which is on a meter."""
        self._table = table
        self._past: deque[tuple[int, float]] = deque()

    def of(self, reading: Reading, stamp_ns: int) -> Evidence:
        """What a reading says. stamp_ns: of the infrared frame, later than the one before."""
        low, high = _bounds(reading, self._table)
        if self._table.when == "rate":
            return self._rate(low if low == high else None, stamp_ns, reading.blind)
        value = low if low == high else None
        holds, is_over = _judged(self._table, low, high)
        if holds is None:
            return Evidence(None, value=value, blind=reading.blind or "the meter cannot tell")
        return Evidence(holds, is_over, value)

    def forget(self) -> None:
        """Restart a rate: what was before a shutter or a loss is not compared with what comes after."""
        self._past.clear()

    def _rate(self, value: float | None, stamp_ns: int, blind: str) -> Evidence:
        if value is None:
            self.forget()
            return Evidence(None, blind=blind or "the meter cannot tell")
        self._past.append((stamp_ns, value))
        while stamp_ns - self._past[0][0] > self._table.over_s * 1e9:
            self._past.popleft()
        seconds = (stamp_ns - self._past[0][0]) / 1e9
        if seconds < _RATE_SHARE * self._table.over_s:
            return Evidence(False, is_over=True)
        rate, limit, slack = (value - self._past[0][1]) / seconds, self._table.limits[0], self._table.hysteresis
        sign = 1 if limit > 0 else -1
        return Evidence(sign * rate > sign * limit, sign * rate <= sign * limit - slack, rate)


def _bounds(reading: Reading, table: AlarmTable) -> tuple[float, float]:
    """Between which numbers what is looked at lies; both the same if it is known, infinite if nothing is known."""
    value: float | None = getattr(reading, table.statistic)
    if value is not None:
        return value, value
    statistic = "max" if reading.kind in ("spot", "hottest") else "min" if reading.kind == "coldest" else "mean"
    looked_at = statistic if table.statistic == "value" else table.statistic
    if reading.limit is not None:
        if reading.beyond == "hotter" and looked_at == "max":
            return reading.limit, math.inf
        if reading.beyond == "colder" and (looked_at == "min" or reading.kind == "spot"):
            return -math.inf, reading.limit
    return -math.inf, math.inf


def _judged(table: AlarmTable, low: float, high: float) -> tuple[bool | None, bool]:
    """Whether the condition is met by all that lies between low and high, None if by a part, and whether it is over."""
    first, last, slack = table.limits[0], table.limits[-1], table.hysteresis
    if table.when == "above":
        holds = True if low > first else False if high <= first else None
        return holds, high <= first - slack
    if table.when == "below":
        holds = True if high < first else False if low >= first else None
        return holds, low >= first + slack
    within, without = low >= first and high <= last, high < first or low > last
    if table.when == "inside":
        return (True if within else False if without else None), high < first - slack or low > last + slack
    return (True if without else False if within else None), low >= first + slack and high <= last - slack
