"""Pairs on their way together come back in order, whatever stands between them."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

import numpy as np
import pytest

from coconet.errors import CoconetError
from coconet.media.pixels import Pixels
from coconet.runtime.backends.backend import OverlappingBackend
from coconet.runtime.backends.choice import choose_backend
from coconet.runtime.backends.rules.baseline import BaselineBackend
from coconet.runtime.backends.tensorrt.ring_options import RingOptions
from coconet.runtime.frame import Frame, FramePair
from coconet.runtime.loop.pipeline import Entry, overlapped


class Averager(BaselineBackend):
    """Averages, with up to `depth` pairs pending; remembers how many there were."""

    def __init__(self, depth: int) -> None:
        super().__init__()
        self.depth, self.most = depth, 0
        self._pending: deque[Pixels] = deque()

    def submit(self, visible: Pixels, infrared: Pixels) -> None:
        assert all(one.shape == visible.shape for one in self._pending)
        self._pending.append(self.fuse(visible, infrared))
        self.most = max(self.most, len(self._pending))
        assert self.most <= self.depth

    def collect(self) -> Pixels:
        return self._pending.popleft()


def entry(index: int, side: int = 8, missing: bool = False) -> Entry:
    frame = Frame(np.full((side, side, 1), index, np.uint8), index, index)
    return Entry(replace(FramePair(frame, frame), missing=frozenset({"infrared"}) if missing else frozenset()), 0.0)


def given_back(entries: list[Entry], backend: Averager) -> list[tuple[Entry, int | None]]:
    pictures = overlapped(entries, backend, lambda: 0.0)
    return [(pending.entry, None if fused is None else int(fused[0, 0, 0])) for pending, fused in pictures]


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_all_come_back_in_order_and_as_many_as_allowed_are_under_way(depth: int) -> None:
    backend, entries = Averager(depth), [entry(index) for index in range(7)]
    assert given_back(entries, backend) == list(zip(entries, range(7), strict=True))
    assert backend.most == depth
    assert isinstance(backend, OverlappingBackend)


def test_a_pair_with_one_camera_and_one_of_another_size_wait_for_those_before() -> None:
    entries = [entry(0), entry(1), entry(2, missing=True), entry(3), entry(4, side=16), entry(5, side=16)]
    backend = Averager(3)
    assert given_back(entries, backend) == list(zip(entries, [0, 1, None, 3, 4, 5], strict=True))
    assert backend.most == 2


def test_what_cannot_overlap_says_so() -> None:
    choice = choose_backend("average")
    assert not isinstance(BaselineBackend(), OverlappingBackend)
    with pytest.raises(CoconetError, match="--depth does not apply to a model that rule runs"):
        replace(choice, ring=RingOptions(depth=3))
