"""Excerpts: neighbours out of a recording."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coconet.benchmarks.studies.excerpt import Excerpt
from coconet.runtime.frame import FramePair
from tests.support.media.frames import pair_of
from tests.support.media.recordings import flat


def recording(length: int) -> list[FramePair]:
    return [pair_of(flat(n % 256), flat(n % 256, channels=1), n) for n in range(length)]


def taken(excerpt: Excerpt, length: int) -> list[tuple[int, bool]]:
    return [(sample.pair.visible.index, sample.continues) for sample in excerpt.of(recording(length))]


def test_without_a_stride_every_pair_continues_the_one_before() -> None:
    assert taken(Excerpt(), 4) == [(0, False), (1, True), (2, True), (3, True)]


def test_a_stride_takes_two_neighbours_at_a_time() -> None:
    assert taken(Excerpt(stride=4), 10) == [(0, False), (1, True), (4, False), (5, True), (8, False), (9, True)]


def test_the_end_comes_after_so_many_samples() -> None:
    assert taken(Excerpt(stride=5, frames=3), 10) == [(0, False), (1, True), (5, False)]


@given(stride=st.integers(1, 7), frames=st.none() | st.integers(1, 20), length=st.integers(0, 20))
def test_the_count_is_what_comes(stride: int, frames: int | None, length: int) -> None:
    excerpt = Excerpt(stride, frames)
    assert excerpt.count(length) == len(taken(excerpt, length))


def test_of_an_endless_recording_only_the_limit_is_known() -> None:
    assert Excerpt().count(None) is None
    assert Excerpt(frames=7).count(None) == 7


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_frames_are_scaled_on_both_sides(scale: float) -> None:
    (sample,) = Excerpt(scale=scale).of(recording(1))
    assert sample.pair.visible.pixels.shape == (24 * scale, 32 * scale, 3)
    assert sample.pair.infrared.pixels.shape == (24 * scale, 32 * scale, 1)
