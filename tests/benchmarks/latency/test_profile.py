"""What a backend tells of a frame itself is taken over, and nothing is made up where it does not tell."""

from __future__ import annotations

from coconet.benchmarks.latency.pictures import BenchFrames
from coconet.benchmarks.latency.profile import layers_inside, stages_inside
from coconet.benchmarks.latency.worker import WorkerState
from coconet.cards.frame_size import FrameSize
from coconet.media.pixels import Pixels
from coconet.runtime.backends.rules.baseline import BaselineBackend
from coconet.runtime.backends.tensorrt.timing import DeviceTimes, LayerTime


class TellingBackend(BaselineBackend):
    """Fuses like the baseline and has the two profilers a GPU backend may have."""

    def stage_times(self, visible: Pixels, infrared: Pixels, runs: int = 20) -> DeviceTimes:
        return DeviceTimes(0.1, 2.0, 0.2)

    def layer_times(self, visible: Pixels, infrared: Pixels, runs: int = 20) -> list[LayerTime]:
        return [LayerTime("small", 1.0), LayerTime("large", 3.0)]


def held_by(backend: BaselineBackend) -> WorkerState:
    return WorkerState(backend, BenchFrames(count=1).pairs(backend.card, FrameSize(48, 64)))


def test_steps_and_layers_are_taken_over_slowest_first() -> None:
    held = held_by(TellingBackend())
    stages = stages_inside(held)
    assert stages
    assert stages.execute_ms == 2.0
    assert [(layer.name, layer.share) for layer in layers_inside(held)] == [("large", 0.75), ("small", 0.25)]


def test_a_backend_that_does_not_tell_has_neither() -> None:
    held = held_by(BaselineBackend())
    assert stages_inside(held) is None
    assert layers_inside(held) == []
