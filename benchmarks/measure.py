"""Latency of several models on the same frames, measured in turns so that a drifting machine is fair to all."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from coconet.signature import Precision
from runtime.backend import Backend
from runtime.frame import FramePair
from runtime.latency import Percentiles


@dataclass(frozen=True)
class Effort:
    """How long to measure: runs to warm up, and runs that count, of every model."""

    warmup: int = 2
    repeats: int = 20


@dataclass(frozen=True)
class Measurement:
    """One model's figures. ratio: its median over the median of the first model of the same run."""

    model: str
    network: str
    precision: Precision
    backend: str
    latency_ms: Percentiles
    samples: int
    ratio: float

    @property
    def fps(self) -> float:
        """Frames a second at the median latency."""
        return 1000.0 / self.latency_ms.p50


def measure(
    models: Sequence[tuple[str, Backend]],
    pairs: Sequence[FramePair],
    effort: Effort,
    report: Callable[[], None] = lambda: None,
) -> list[Measurement]:
    """Time `fuse` of every model, one frame after the other in turns; `report` is called after every timed run."""
    for _, backend in models:
        for index in range(effort.warmup):
            _timed_ms(backend, pairs[index % len(pairs)])
    samples = np.empty((len(models), effort.repeats))
    for repeat in range(effort.repeats):
        for row, (_, backend) in enumerate(models):
            samples[row, repeat] = _timed_ms(backend, pairs[repeat % len(pairs)])
            report()
    first = float(np.median(samples[0]))
    return [
        Measurement(
            model=name,
            network=backend.card.network,
            precision=backend.card.precision,
            backend=backend.name,
            latency_ms=Percentiles.of(row),
            samples=effort.repeats,
            ratio=float(np.median(row)) / first,
        )
        for (name, backend), row in zip(models, samples, strict=True)
    ]


def _timed_ms(backend: Backend, pair: FramePair) -> float:
    started = time.perf_counter_ns()
    backend.fuse(pair.visible.pixels, pair.infrared.pixels)
    return (time.perf_counter_ns() - started) / 1e6
