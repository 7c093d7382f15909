"""Layers: where the time of a frame goes, node by node, from ONNX Runtime's profiler."""

from __future__ import annotations

import json
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from benchmarks.inside import MOST, ranked
from benchmarks.result import Layer
from coconet.errors import MissingPackage
from coconet.signature import FUSED, INFRARED, VISIBLE
from runtime.frame import FramePair

try:
    import onnxruntime
except ImportError as error:
    raise MissingPackage("onnxruntime", job="profiling ONNX models") from error

FRAMES = 3
KERNEL = "_kernel_time"


def profiled(model: Path, pairs: Sequence[FramePair], most: int = MOST) -> list[Layer]:
    """The slowest nodes of an ONNX model, times a frame, and one line for all others; the first frame is not counted.

    The profiler costs time itself: shares are to be trusted more than times.
    """
    with tempfile.TemporaryDirectory() as folder:
        options = onnxruntime.SessionOptions()
        options.enable_profiling, options.profile_file_prefix = True, str(Path(folder) / "profile")
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        for index in range(FRAMES + 1):
            pair = pairs[index % len(pairs)]
            session.run([FUSED], {VISIBLE: pair.visible.pixels[None], INFRARED: pair.infrared.pixels[None]})
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
    return ranked(means, most)
