"""Where the time of a frame goes: a backend's own steps, and ONNX Runtime's profile by node."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from coconet.benchmarks.latency.worker import WorkerState
from coconet.benchmarks.results.schema import Layer, Stages
from coconet.cards.model_card import FUSED
from coconet.errors import MissingPackage
from coconet.media.pixels import Pixels
from coconet.runtime.backends.tensorrt.timing import DeviceTimes, LayerTime
from coconet.runtime.frame import FramePair
from coconet.runtime.preprocess.warp_table import WarpTable
from coconet.writing.scratch import ScratchFolder

try:
    import onnxruntime
except ImportError as error:
    raise MissingPackage("onnxruntime", job="profiling ONNX models", extra="cpu") from error

from coconet.runtime.backends.onnx_tensors import input_feed
from coconet.runtime.backends.ort_cpu import open_session

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


def stages_inside(held: WorkerState) -> Stages | None:
    """A job: upload, execution and download apart; None from a backend that does not tell."""
    if not isinstance(held.backend, Staged):
        return None
    pair = held.pairs[0]
    found = held.backend.stage_times(pair.visible.pixels, pair.infrared.pixels)
    return Stages(upload_ms=found.upload_ms, execute_ms=found.execute_ms, download_ms=found.download_ms)


def layers_inside(held: WorkerState) -> list[Layer]:
    """A job: the slowest layers, and one line for the rest; none from a backend without a profiler."""
    if not isinstance(held.backend, Layered):
        return []
    pair = held.pairs[0]
    found = held.backend.layer_times(pair.visible.pixels, pair.infrared.pixels)
    return rank_layers([(one.layer, "", one.mean_ms) for one in found], MOST)


def rank_layers(nodes: Sequence[tuple[str, str, float]], most: int) -> list[Layer]:
    """The slowest of (name, operator, milliseconds), each with its share of all, and one line for the others."""
    total = sum(time_ms for _, _, time_ms in nodes)
    slowest = sorted(nodes, key=lambda node: -node[2])
    rest = sum(time_ms for _, _, time_ms in slowest[most:])
    if rest > 0:
        slowest = [*slowest[:most], (f"{len(nodes) - most} others", "", rest)]
    return [Layer(name=name, operator=op, time_ms=time, share=time / total) for name, op, time in slowest if total > 0]


FRAMES = 3

KERNEL = "_kernel_time"


def profile_nodes(model: Path, pairs: Sequence[FramePair], most: int = MOST) -> list[Layer]:
    """The slowest nodes of an ONNX model, times a frame, and one line for all others; the first frame is not counted.

    The profiler costs time itself: shares are to be trusted more than times.
    """
    with ScratchFolder() as folder:
        options = onnxruntime.SessionOptions()
        options.enable_profiling, options.profile_file_prefix = True, str(Path(folder) / "profile")
        options.log_severity_level = 3
        session, card = open_session(model, options, ["CPUExecutionProvider"])
        warp = WarpTable()
        for index in range(FRAMES + 1):
            pair = pairs[index % len(pairs)]
            session.run([FUSED], input_feed(card, warp, pair.visible.pixels, pair.infrared.pixels, model))
        events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    return slowest(events, most)


def slowest(events: Sequence[dict[str, object]], most: int) -> list[Layer]:
    """Sum up a trace of FRAMES + 1 frames as ONNX Runtime writes it: one event a node and frame, `dur` in us."""
    spans: dict[tuple[str, str], list[float]] = defaultdict(list)
    for event in events:
        name, details = str(event.get("name", "")), event.get("args")
        if name.endswith(KERNEL) and isinstance(details, dict):
            duration = event.get("dur", 0)
            spans[name.removesuffix(KERNEL), str(details.get("op_name", ""))].append(float(str(duration)) / 1e3)
    means = [(*node, sum(times[1:]) / (len(times) - 1)) for node, times in spans.items() if len(times) > 1]
    return rank_layers(means, most)
