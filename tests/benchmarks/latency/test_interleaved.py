"""Timing in turns: one fresh process after another, and as many turns as they took."""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np
import pytest

from coconet.benchmarks.latency.interleaved import Timed, measure
from coconet.benchmarks.latency.pictures import BenchFrames
from coconet.benchmarks.latency.stopping_rule import StoppingRule
from coconet.benchmarks.latency.worker import Worker, WorkerState, pictures
from coconet.cards.frame_size import FrameSize
from coconet.runtime.backends.rules.baseline import BaselineBackend


def process(held: WorkerState) -> int:
    return os.getpid()


@pytest.fixture
def worker() -> Iterator[Worker]:
    with Worker("average", BaselineBackend) as opened:
        opened.hold(BenchFrames(count=1).pairs(opened.loaded.card, FrameSize(64, 80)))
        yield opened


def test_a_renewed_worker_is_another_process_with_the_same_frames(worker: Worker) -> None:
    before, (picture,) = worker.ask(process), worker.ask(pictures)
    worker.renew()
    assert worker.ask(process) == worker.pid != before
    assert np.array_equal(worker.ask(pictures)[0], picture)


def test_a_process_that_has_done_its_share_is_followed_by_a_fresh_one(worker: Worker) -> None:
    first, timed = worker.pid, Timed(worker, StoppingRule(limit_s=1e-3))
    timed.warm_up()
    timed.take_turn()
    assert (worker.pid, timed.processes) == (first, [1])
    timed.opening_ms = 0  # as if it had been ready at once, however slow this machine is
    timed.take_turn()
    assert worker.pid != first
    assert timed.processes == [1, 1]
    assert len(timed.turns_ms) == len(timed.yardstick_ms) == 2


def test_a_process_is_timed_for_as_long_as_it_took_to_be_ready(worker: Worker) -> None:
    first, timed = worker.pid, Timed(worker, StoppingRule(limit_s=1e-3))
    timed.warm_up()
    timed.opening_ms, worker.busy_ms = 1e6, 1.5e6
    timed.take_turn()
    assert worker.pid == first


def test_endurance_is_that_of_a_single_process(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coconet.benchmarks.latency.stopping_rule.ENDURANCE_FRAMES", 50)
    monkeypatch.setattr("coconet.benchmarks.latency.stopping_rule.ENDURANCE_S", 0)
    first = worker.pid
    (timed,) = measure([worker], StoppingRule(endurance=True, warmup=1))
    assert (worker.pid, len(timed.processes)) == (first, 1)
