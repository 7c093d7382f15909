"""Steadiness, on videos whose flicker can be worked out by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coconet.benchmarks.studies.excerpt import Sample
from coconet.benchmarks.studies.flicker import Steadiness, measure_steadiness
from coconet.errors import CoconetError
from coconet.media.pixels import Pixels
from coconet.runtime.backends.rules.baseline import BaselineBackend
from tests.support.media.frames import pair_of
from tests.support.media.recordings import flat

CHECKERED = (np.indices((24, 32)).sum(axis=0) % 2)[:, :, None]


class Painter(BaselineBackend):
    """Answers with what a function makes of the frames and of how many there were."""

    def __init__(self, paint: Callable[[Pixels, Pixels, int], Pixels]) -> None:
        super().__init__()
        self.paint, self.frames = paint, 0

    def fuse(self, visible: Pixels, infrared: Pixels) -> Pixels:
        self.frames += 1
        return np.asarray(self.paint(visible, infrared, self.frames - 1), np.uint8)


def measured(
    visible: list[Pixels], infrared: list[Pixels], *paints: Callable[[Pixels, Pixels, int], Pixels]
) -> Steadiness:
    samples = [
        Sample(pair_of(seen, thermal, index), index > 0)
        for index, (seen, thermal) in enumerate(zip(visible, infrared, strict=True))
    ]
    return measure_steadiness([(str(place), Painter(paint)) for place, paint in enumerate(paints)], samples)


def flickering(change: int, frames: int = 5) -> list[Pixels]:
    """A gray video whose level alternates."""
    return [flat(100 + change * (index % 2), channels=1) for index in range(frames)]


def test_the_average_of_two_cameras_that_pump_alike_is_as_steady_as_they_are() -> None:
    found = measured(flickering(1), flickering(1), lambda v, i, n: BaselineBackend("average").fuse(v, i))
    assert found.models[0].change == found.visible == found.infrared
    assert (found.visible.flicker_levels, found.visible.pumping_levels, found.visible.flicker_ratio) == (1, 1, 1)


def test_a_copy_of_the_only_camera_that_flickers_is_as_steady_as_it() -> None:
    found = measured(flickering(1), flickering(0), lambda v, i, n: v, lambda v, i, n: i)
    assert [model.change.flicker_ratio for model in found.models] == [1, 0]


@given(levels=st.lists(st.tuples(*[st.integers(-3, 3)] * 2), min_size=1, max_size=4).filter(lambda x: any(map(any, x))))
def test_the_less_steady_camera_has_the_ratio_one_and_the_other_less(levels: list[tuple[int, int]]) -> None:
    visible, infrared = (
        [flat(100, channels=1), *((100 + change[side] * CHECKERED).astype(np.uint8) for change in levels)]
        for side in (0, 1)
    )
    found = measured(visible, infrared)
    ratios = [source.flicker_ratio or 0 for source in (found.visible, found.infrared)]
    assert max(ratios) == 1
    assert min(ratios) <= 1


def test_brightness_that_goes_up_and_down_as_a_whole_is_both_flicker_and_pumping() -> None:
    change = measured(flickering(1), flickering(1), lambda v, i, n: v + 10 * (n % 2)).models[0].change
    assert (change.flicker_levels, change.flicker_ratio, change.pumping_levels, change.pumping_ratio) == (11,) * 4


def test_noise_that_leaves_the_mean_alone_is_flicker_and_no_pumping() -> None:
    change = measured(flickering(1), flickering(1), lambda v, i, n: 100 + 5 * (n % 2 == CHECKERED)).models[0].change
    assert (change.flicker_levels, change.pumping_levels, change.pumping_ratio) == (5, 0, 0)


def test_what_a_model_makes_of_moving_things_does_not_count() -> None:
    moving = [flat(100, 64, 48, 1) for _ in range(4)]
    for place, frame in enumerate(moving):
        frame[10:20, 5 * place : 5 * place + 10] = 200
    found = measured(moving, [flat(0, 64, 48, 1)] * 4, lambda v, i, n: 255 * (v == 200))
    assert found.models[0].change.flicker_levels == 0
    assert 0.7 < found.still_share < 0.95


def test_a_model_that_answers_motion_everywhere_is_caught_where_nothing_moved() -> None:
    moving = [flat(100, 64, 48, 1) for _ in range(2)]
    moving[1][:10, :10] = 244
    found = measured(moving, [flat(0, 64, 48, 1)] * 2, lambda v, i, n: v - round(v.mean()) + 100)
    assert found.models[0].change.pumping_levels == pytest.approx(round(144 * 100 / (48 * 64)))


def test_colour_is_judged_by_its_luma() -> None:
    def paint(visible: Pixels, infrared: Pixels, frame: int) -> Pixels:
        picture: Pixels = visible.copy()
        picture[:, :, 1] += 10 * (frame % 2)
        return picture

    colour = [np.repeat(frame, 3, axis=2) for frame in flickering(0)]
    assert measured(colour, flickering(1), paint).models[0].change.flicker_levels == pytest.approx(5.87, abs=1e-4)


def test_a_step_across_a_gap_is_not_compared() -> None:
    pairs = [pair_of(flat(level), flat(0, channels=1)) for level in (0, 1, 200, 201)]
    samples = [Sample(pair, number % 2 == 1) for number, pair in enumerate(pairs)]
    found = measure_steadiness([], samples)
    assert (found.frames, found.steps, found.still_share) == (4, 2, 1)
    assert found.visible.flicker_levels == pytest.approx(1, abs=1e-4)


def test_cameras_without_any_change_give_no_ratio() -> None:
    change = measured(flickering(0), flickering(0), lambda v, i, n: v + n).models[0].change
    assert (change.flicker_levels, change.flicker_ratio, change.pumping_ratio) == (1, None, None)


def test_every_fused_picture_is_reported() -> None:
    pair = pair_of(flat(0), flat(0, channels=1))
    calls: list[int] = []
    measure_steadiness([("a", BaselineBackend())] * 2, [Sample(pair, True)] * 3, report=lambda: calls.append(1))
    assert len(calls) == 6


@pytest.mark.parametrize("frames", [0, 1])
def test_fewer_than_two_frames_are_refused(frames: int) -> None:
    with pytest.raises(
        CoconetError, match=rf"needs two neighbouring frames or more, and the recording has {frames} frames?\."
    ):
        measured(flickering(1, frames), flickering(1, frames))


def test_a_recording_where_everything_moves_is_refused() -> None:
    with pytest.raises(CoconetError, match="found no pixel that stands still in 4 steps; .* below 2 levels"):
        measured(flickering(50), flickering(0))


def test_frames_of_two_sizes_are_refused() -> None:
    unlike = [flat(0, channels=1), flat(0, 30, 20, 1)]
    with pytest.raises(CoconetError, match="frame 2 is 20x30.*, but the frames before are 24x32"):
        measured(unlike, unlike)
