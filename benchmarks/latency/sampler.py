"""The sampler: a thread that reads a sensor all the time, and what it read while a model was working."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from coconet.benchmarks.machine.sensor import Reading, Sensor
from coconet.benchmarks.results.schema import Energy
from coconet.runtime.threads.background import Background

PERIOD_S = 0.05


class Window(NamedTuple):
    """A stretch of time.monotonic_ns in which one model was working."""

    start_ns: int
    end_ns: int


class Sampler(Background):
    """Reads a sensor some twenty times a second within its `with` block."""

    def __init__(self, sensor: Sensor) -> None:
        super().__init__(self._sample, "sampler")
        self.sensor = sensor
        self._readings: list[tuple[int, Reading]] = []

    def during(self, windows: Sequence[Window], frame_ms: float) -> Energy:
        """What was read within the windows; frame_ms: the mean time of a frame, which makes energy of power."""
        readings = list(self._readings)
        within = [reading for at_ns, reading in readings if any(start <= at_ns <= end for start, end in windows)]
        return energy_of(self.sensor.source, within, frame_ms)

    def _sample(self) -> None:
        while not self.stopping.wait(PERIOD_S):
            self._readings.append((time.monotonic_ns(), self.sensor.read()))


def energy_of(source: str, readings: Sequence[Reading], frame_ms: float) -> Energy:
    """Sum readings up: mean power and clock, the highest temperature, and whether the clock was ever held down."""
    power = _over(readings, lambda one: one.power_w, np.mean)
    throttled = [one.throttled for one in readings if one.throttled is not None]
    return Energy(
        source=source,
        mean_w=power,
        frame_j=None if power is None else power * frame_ms / 1e3,
        clock_mhz=_over(readings, lambda one: one.clock_mhz, np.mean),
        hottest_c=_over(readings, lambda one: one.temperature_c, np.max),
        throttled=any(throttled) if throttled else None,
    )


def _over(
    readings: Sequence[Reading], value: Callable[[Reading], float | None], summed_up: Callable[[list[float]], float]
) -> float | None:
    known = [found for one in readings if (found := value(one)) is not None]
    return float(summed_up(known)) if known else None
