"""What a frame of the shipped lite costs, counted and not timed: operators, copies between the parts, threads."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from coconet.model_names import shipped_model
from coconet.runtime.backends.ort_cpu import OnnxRuntimeBackend
from coconet.runtime.frame import FramePair, FusedFrame
from coconet.runtime.loop.pipeline import run_pipeline
from coconet.runtime.sinks.sink import NoSink
from tests.support.rigs.loop_ends import Recording

COSTS: Mapping[str, Mapping[str, int]] = json.loads(Path(__file__).with_name("lite_costs.json").read_text())
"""Operators by kind, of each shipped graph."""


@pytest.mark.parametrize("word", COSTS)
def test_no_graph_has_more_operators_of_a_kind_than_the_table_says(word: str) -> None:
    found = Counter(node.op_type for node in onnx.load(shipped_model(word)).graph.node)
    grown = {kind: f"{COSTS[word].get(kind, 0)} to {count}" for kind, count in (found - Counter(COSTS[word])).items()}
    assert not grown, f"{word} has more operators than lite_costs.json says: {grown}"
    fewer = Counter(COSTS[word]) - found
    assert not fewer, f"{word} has fewer operators: take {dict(fewer)} out of lite_costs.json, so that it stays so"


class Counted:
    """A session that keeps what it was given and what it gave."""

    def __init__(self, session: Any) -> None:
        self.session, self.fed, self.given = session, list[dict[str, Any]](), list[Any]()

    def run(self, names: list[str], feed: dict[str, Any]) -> Any:
        """Run as the session does."""
        answer = self.session.run(names, feed)
        self.fed.append(feed)
        self.given.append(answer[0])
        return answer


class Coloured(Recording):
    """Its visible frames have three channels, as the model wants them."""

    def until(self, stop: threading.Event) -> Iterator[FramePair]:
        for pair in super().until(stop):
            yield replace(pair, visible=replace(pair.visible, pixels=np.repeat(pair.visible.pixels, 3, axis=2)))


class Watching(NoSink):
    """Takes frames and notes the threads of the run."""

    def __init__(self) -> None:
        self.frames, self.threads = list[FusedFrame](), set[str]()

    def write(self, frame: FusedFrame) -> None:
        """Keep the frame."""
        self.frames.append(frame)
        self.threads |= {thread.name for thread in threading.enumerate()}


@pytest.mark.parametrize("word", COSTS)
def test_between_camera_model_and_sink_nothing_is_copied_and_a_run_has_two_threads_more(word: str) -> None:
    before = {thread.name for thread in threading.enumerate()}
    sink = Watching()
    with closing(OnnxRuntimeBackend(shipped_model(word), 1)) as backend:
        backend._session = session = Counted(backend._session)
        run_pipeline(Coloured(5), backend, sink)
    assert len(session.fed) == len(sink.frames) == 5, "the model ran more often than there are frames"
    copied = [
        side
        for frame, fed in zip(sink.frames, session.fed, strict=True)
        for side, pixels in (("visible", frame.pair.visible.pixels), ("infrared", frame.pair.infrared.pixels))
        if not np.shares_memory(fed[side], pixels)
    ]
    assert not copied, f"{Counter(copied)} frames were copied on their way into the model"
    kept = [np.shares_memory(frame.pixels, given) for frame, given in zip(sink.frames, session.given, strict=True)]
    assert all(kept), f"{kept.count(False)} of 5 fused pictures were copied on their way to the sink"
    assert all(set(fed) == {"visible", "infrared"} for fed in session.fed), "the model is fed more than a pair"
    started = sorted(sink.threads - before)
    assert len(started) <= 2, f"a run starts more threads than the one that prepares and the one that writes: {started}"
