from __future__ import annotations

from contextlib import closing
from threading import Event

import numpy as np
import pytest

from coconet.benchmarks.studies.processor.fusing import (
    Effort,
    ReadyPairs,
    alone_against_loop,
    fuse_overlapping,
    picked_against,
)
from coconet.cards.frame_size import FrameSize
from coconet.media.pixels import Pixels
from coconet.model_names import shipped_model
from coconet.runtime.backends.choice import BackendChoice
from coconet.runtime.backends.open_backend import open_backend
from coconet.runtime.cameras.synthetic.camera import synthetic_pairs

PLAIN = BackendChoice("ort", shipped_model("lite"), "the reference")

EFFORT = Effort(turns=1, frames=2, size=FrameSize.parse("64x96"))


class Counting:
    """Keeps how many pairs are under way, and the most there were."""

    depth = 3

    def __init__(self) -> None:
        self.pending = self.most = self.given = 0

    def submit(self, visible: Pixels, infrared: Pixels) -> None:
        self.pending += 1
        self.most = max(self.most, self.pending)

    def collect(self) -> Pixels:
        self.pending -= 1
        self.given += 1
        return np.zeros((1, 1, 1), np.uint8)


@pytest.mark.parametrize("frames", [1, 3, 8])
def test_as_many_frames_overlap_as_may_and_all_come_back(frames: int) -> None:
    backend = Counting()
    fuse_overlapping(backend, synthetic_pairs(2, 32, 32), frames)
    assert (backend.most, backend.given, backend.pending) == (min(frames, 3), frames, 0)


def test_ready_pairs_come_in_turns_and_are_counted() -> None:
    pairs = ReadyPairs(synthetic_pairs(2, 32, 32), 5)
    assert len(list(pairs.until(Event()))) == 5
    assert pairs.counts.visible.read == 5


def test_frames_fit_the_model() -> None:
    with closing(open_backend("lite", "ort")) as backend:
        assert {pair.visible.pixels.shape for pair in EFFORT.pairs(backend)} == {(64, 96, 3)}


@pytest.mark.slow
@pytest.mark.parametrize("overlaps", [False, True])
def test_what_is_picked_is_compared_with_a_reference(overlaps: bool) -> None:
    found = picked_against(PLAIN, "lite", EFFORT, overlaps=overlaps)
    assert found.clock > 0
    assert found.processor > 0


def test_the_loop_is_compared_with_its_backend() -> None:
    assert alone_against_loop(PLAIN, EFFORT).clock > 0
