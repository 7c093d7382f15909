"""The queue of a server: which pairs are fused together, and what becomes of those that are late or too many."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from threading import Event

import numpy as np
import pytest

from coconet.cards.model_card import ModelCard
from coconet.errors import CoconetError
from coconet.media.pixels import Pixels
from coconet.runtime.backends.choice import choose_backend
from coconet.runtime.backends.ort_batch import OnnxRuntimeBatch
from coconet.runtime.backends.ort_cpu import OnnxRuntimeBackend
from coconet.runtime.backends.rules.baseline import BaselineBackend, rule_card
from coconet.runtime.serving.fusion_queue import FusionQueue, Pair, QueueLimits, fused_pairs
from coconet.runtime.serving.model_server import open_served
from coconet.runtime.serving.protocol.inference_error import TooLate, Unavailable
from tests.support.models.tiny_onnx import write_averaging_model, write_batch_model
from tests.support.programs.patience import PATIENCE_S


class Record:
    """What a queue told of itself."""

    def __init__(self) -> None:
        self.full, self.late, self.groups = 0, 0, list[int]()

    def note_full(self) -> None:
        self.full += 1

    def note_late(self) -> None:
        self.late += 1

    def note_group(self, size: int, seconds: float) -> None:
        self.groups.append(size)


class HeldBackend:
    """Averages once it is let go, and says what it was given; waits until it has been given something."""

    name = "held"

    def __init__(self) -> None:
        self.card: ModelCard = rule_card("average")
        self.begun, self.let_go, self.seen = Event(), Event(), list[int]()

    def fuse(self, visible: Pixels, infrared: Pixels) -> Pixels:
        self.begun.set()
        assert self.let_go.wait(PATIENCE_S)
        self.seen.append(visible.shape[0])
        if visible.shape[0] == 13:
            raise CoconetError("pair", wanted="another", got="this", remedy="Send another.", says="does not fit")
        return BaselineBackend("average").fuse(visible, infrared)

    def close(self) -> None:
        """Nothing is held."""


def pair_of(height: int, level: int = 0) -> Pair:
    return np.full((height, 8, 3), level, np.uint8), np.full((height, 8, 1), level, np.uint8)


def answers(futures: Sequence[Future[Pixels]]) -> list[Pixels]:
    return [future.result(PATIENCE_S) for future in futures]


def test_pairs_of_one_size_are_taken_together_and_the_oldest_size_comes_first() -> None:
    backend, record = HeldBackend(), Record()
    with FusionQueue(backend, record, QueueLimits(together=2, deadline_s=PATIENCE_S)) as queue:
        first = queue.submit(pair_of(4))
        assert backend.begun.wait(PATIENCE_S)
        rest = [queue.submit(pair_of(height)) for height in (5, 6, 5, 6, 5)]
        backend.let_go.set()
        assert [fused.shape[0] for fused in answers([first, *rest])] == [4, 5, 6, 5, 6, 5]
    assert backend.seen == [4, 5, 5, 6, 6, 5]
    assert record.groups == [1, 2, 2, 1]


def test_one_pair_too_many_is_turned_away_and_the_others_are_answered() -> None:
    backend, record = HeldBackend(), Record()
    with FusionQueue(backend, record, QueueLimits(waiting=2, deadline_s=PATIENCE_S)) as queue:
        first = queue.submit(pair_of(4))
        assert backend.begun.wait(PATIENCE_S)
        taken = [queue.submit(pair_of(4)) for _ in range(2)]
        with pytest.raises(Unavailable, match="2 pairs already wait"):
            queue.submit(pair_of(4))
        backend.let_go.set()
        assert len(answers([first, *taken])) == 3
    assert record.full == 1


@pytest.mark.parametrize(
    ("within_s", "words"),
    [(0, "0 microseconds,"), (1e-6, "1 microsecond,"), (2e-4, "200 microseconds,"), (1e-3, "1 ms,")],
)
def test_a_deadline_below_a_millisecond_is_told_in_microseconds(within_s: float, words: str) -> None:
    backend, now_s = HeldBackend(), [0.0]
    with FusionQueue(backend, Record(), QueueLimits(deadline_s=10), lambda: now_s[0]) as queue:
        queue.submit(pair_of(4))
        assert backend.begun.wait(PATIENCE_S)
        hasty = queue.submit(pair_of(5), within_s=within_s)
        now_s[0] = 1.0
        backend.let_go.set()
        with pytest.raises(TooLate, match=f"the deadline of {words}"):
            hasty.result(PATIENCE_S)


def test_a_pair_whose_deadline_is_over_is_not_fused_and_one_that_was_fused_too_late_is_dropped() -> None:
    backend, record, now_s = HeldBackend(), Record(), [0.0]
    with FusionQueue(backend, record, QueueLimits(deadline_s=10), lambda: now_s[0]) as queue:
        begun = queue.submit(pair_of(4))
        assert backend.begun.wait(PATIENCE_S)
        hasty, patient = queue.submit(pair_of(5), within_s=1), queue.submit(pair_of(6), within_s=100)
        now_s[0] = 9.9
        backend.let_go.set()
        assert begun.result(PATIENCE_S).shape[0] == 4
        with pytest.raises(TooLate, match=r"1000 ms, set by the request, has .*allow more time: up to 10000 ms here"):
            hasty.result(PATIENCE_S)
        assert patient.result(PATIENCE_S).shape[0] == 6
        backend.let_go.clear()
        backend.begun.clear()
        late = queue.submit(pair_of(7))
        assert backend.begun.wait(PATIENCE_S)
        now_s[0] = 1000
        backend.let_go.set()
        with pytest.raises(TooLate, match=r"10000 ms, set by the server, has passed .* its operator .*--deadline-ms"):
            late.result(PATIENCE_S)
    assert backend.seen == [4, 6, 7]
    assert record.late == 2


def test_what_a_backend_refuses_is_told_to_its_sender_and_others_go_on() -> None:
    backend = HeldBackend()
    backend.let_go.set()
    with FusionQueue(backend, Record(), QueueLimits(deadline_s=PATIENCE_S)) as queue:
        with pytest.raises(CoconetError, match="Send another"):
            queue.submit(pair_of(13)).result(PATIENCE_S)
        assert queue.submit(pair_of(4)).result(PATIENCE_S).shape[0] == 4


def test_at_the_end_those_who_wait_are_told_and_nobody_is_let_in() -> None:
    backend = HeldBackend()
    with FusionQueue(backend, Record(), QueueLimits(deadline_s=PATIENCE_S)) as queue:
        queue.submit(pair_of(4))
        assert backend.begun.wait(PATIENCE_S)
        left = queue.submit(pair_of(5))
        queue.ask_to_stop()
        backend.let_go.set()
        with pytest.raises(Unavailable, match="server is stopping"):
            left.result(PATIENCE_S)
    with pytest.raises(Unavailable, match="server is stopping"):
        queue.submit(pair_of(4))


class RingBackend(HeldBackend):
    """Overlaps three pairs, and notes how many were on their way at most."""

    depth = 3

    def __init__(self) -> None:
        super().__init__()
        self.under_way, self.most = list[Pixels](), 0

    def submit(self, visible: Pixels, infrared: Pixels) -> None:
        self.under_way.append(visible)
        self.most = max(self.most, len(self.under_way))

    def collect(self) -> Pixels:
        return self.under_way.pop(0)


def test_a_backend_that_overlaps_pairs_gets_as_many_as_it_takes() -> None:
    backend, pairs = RingBackend(), [pair_of(4, level) for level in range(7)]
    assert [fused[0, 0, 0] for fused in fused_pairs(backend, pairs)] == list(range(7))
    assert (backend.most, backend.under_way) == (3, [])


@pytest.mark.parametrize("count", [1, 3, 4])
def test_a_graph_of_a_batch_gives_each_pair_what_the_graph_of_one_gives(tmp_path: Path, count: int) -> None:
    levels = np.random.default_rng(count)
    pairs = [(levels.integers(0, 256, (16, 24, 3), np.uint8), levels.integers(0, 256, (16, 24, 1), np.uint8))] * count
    single = OnnxRuntimeBackend(write_averaging_model(tmp_path / "one.onnx"))
    backend = open_served(choose_backend(write_batch_model(tmp_path / "four.onnx", 4), "ort"))
    assert isinstance(backend, OnnxRuntimeBatch)
    assert backend.batch == 4
    fused = list(fused_pairs(backend, pairs))
    assert [one.tobytes() for one in fused] == [single.fuse(*pair).tobytes() for pair in pairs]


def test_a_graph_of_a_batch_is_refused_by_a_rig_and_one_with_a_table_by_a_server(tmp_path: Path) -> None:
    with pytest.raises(CoconetError, match=r"says tensor\(uint8\) of shape \(1, any, any, 3\)"):
        OnnxRuntimeBackend(write_batch_model(tmp_path / "four.onnx", 4))
