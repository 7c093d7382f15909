"""Layers: from a trace of ONNX Runtime's profiler, and from the profiler itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from coconet.benchmarks.latency.pictures import BenchFrames
from coconet.benchmarks.latency.profile import FRAMES, profile_nodes, slowest
from coconet.cards.frame_size import FrameSize
from tests.support.models.tiny_onnx import averaging_card
from tests.support.rigs.aligned_rig import write_both_models


def event(node: str, operator: str, micros: int) -> dict[str, object]:
    return {"cat": "Node", "name": f"{node}_kernel_time", "dur": micros, "args": {"op_name": operator}}


def test_times_are_means_without_the_first_frame_and_the_rest_is_one_line() -> None:
    trace = [event("conv", "Conv", 9000 if frame == 0 else 3000) for frame in range(FRAMES + 1)]
    trace += [event(f"add{number}", "Add", 500) for number in range(2) for _ in range(FRAMES + 1)]
    trace.append({"cat": "Session", "name": "model_run", "dur": 10**6})
    conv, rest = slowest(trace, most=1)
    assert (conv.name, conv.time_ms, conv.share) == ("conv", 3.0, 0.75)
    assert (rest.name, rest.time_ms) == ("2 others", 1.0)


@pytest.mark.parametrize("warps", [False, True])
def test_a_real_model_is_profiled_node_by_node(tmp_path: Path, warps: bool) -> None:
    laying, warped = write_both_models(tmp_path)
    model = warped if warps else laying
    layers = profile_nodes(model, BenchFrames(count=2).pairs(averaging_card(), FrameSize(48, 64)), most=20)
    assert "Conv" in " ".join(layer.operator for layer in layers)
    assert sum(layer.share for layer in layers) == pytest.approx(1)
