"""Inside a frame: the steps and layers that a backend itself tells apart, where it does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from benchmarks.result import Layer, Stages
from benchmarks.worker import Held
from runtime.device_times import DeviceTimes
from runtime.frame import Pixels
from runtime.layer_times import LayerTime

MOST = 12


@runtime_checkable
class Staged(Protocol):
    """A backend that times upload, execution and download apart."""

    def stage_times(self, visible: Pixels, infrared: Pixels, runs: int = 20) -> DeviceTimes:
        """Run frames as `fuse` takes them and give the mean times."""


@runtime_checkable
class Layered(Protocol):
    """A backend with a profiler of its own."""

    def layer_times(self, visible: Pixels, infrared: Pixels, runs: int = 20) -> Sequence[LayerTime]:
        """Run frames as `fuse` takes them and give the mean times, in order."""


def stages_inside(held: Held) -> Stages | None:
    """A job: upload, execution and download apart; None from a backend that does not tell."""
    if not isinstance(held.backend, Staged):
        return None
    pair = held.pairs[0]
    found = held.backend.stage_times(pair.visible.pixels, pair.infrared.pixels)
    return Stages(upload_ms=found.upload_ms, execute_ms=found.execute_ms, download_ms=found.download_ms)


def layers_inside(held: Held) -> list[Layer]:
    """A job: the slowest layers, and one line for the rest; none from a backend without a profiler."""
    if not isinstance(held.backend, Layered):
        return []
    pair = held.pairs[0]
    found = held.backend.layer_times(pair.visible.pixels, pair.infrared.pixels)
    return ranked([(one.layer, "", one.mean_ms) for one in found], MOST)


def ranked(nodes: Sequence[tuple[str, str, float]], most: int) -> list[Layer]:
    """The slowest of (name, operator, milliseconds), each with its share of all, and one line for the others."""
    total = sum(time_ms for _, _, time_ms in nodes)
    slowest = sorted(nodes, key=lambda node: -node[2])
    rest = sum(time_ms for _, _, time_ms in slowest[most:])
    if rest > 0:
        slowest = [*slowest[:most], (f"{len(nodes) - most} others", "", rest)]
    return [Layer(name=name, operator=op, time_ms=time, share=time / total) for name, op, time in slowest if total > 0]
