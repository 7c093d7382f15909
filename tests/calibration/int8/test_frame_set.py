"""The calibration set: near-duplicates out, some frames held out, crops that are the same every time."""

from __future__ import annotations

import numpy as np
import pytest

from coconet.calibration.int8.frame_set import CalibrationSet, survey
from coconet.errors import CoconetError
from coconet.runtime.frame import FramePair
from tests.support.media.frames import pair_of

RAMP = np.add.outer(np.linspace(0, 100, 48), np.linspace(0, 100, 64))


def pair(visible: float, infrared: float, noise: float = 0.0) -> FramePair:
    rng = np.random.default_rng(round(visible * 1000 + infrared))
    first, second = (RAMP + level + noise * rng.normal(size=RAMP.shape) for level in (visible, infrared))
    return pair_of(first.astype(np.uint8), second.astype(np.uint8), name=f"{visible:g}")


def different(count: int) -> list[FramePair]:
    return [pair(5.0 * index, 10) for index in range(count)]


def names(pairs: CalibrationSet) -> list[str]:
    return [pair.visible.name for pair in pairs]


def test_pairs_within_four_levels_of_a_kept_one_are_near_duplicates() -> None:
    found = survey([pair(10, 10), pair(13, 13), pair(15, 10), pair(10, 15), pair(10, 11)])
    assert (found.seen, found.kept) == (5, (0, 2, 3))
    assert str(found).endswith(", near-duplicates left out: 2")


def test_noise_does_not_make_a_still_scene_new() -> None:
    assert survey([pair(20, 20, noise=5), pair(20, 21, noise=5)]).kept == (0,)


def test_coverage_is_that_of_the_frames_kept() -> None:
    found = survey([pair(0, 0)] * 4)
    assert len(found.coverage.traits) == 1


def test_every_fifth_frame_is_held_out_and_no_frame_is_on_both_sides() -> None:
    measure, check = CalibrationSet(different(8), range(8)).held_out()
    assert names(check) == ["5", "30"]
    assert sorted(names(measure) + names(check)) == sorted(names(CalibrationSet(different(8), range(8))))


def test_one_frame_cannot_be_held_out() -> None:
    with pytest.raises(CoconetError, match="holds only one frame that differs.*--check"):
        CalibrationSet(different(1), [0]).held_out()


def test_a_source_without_frames_is_refused() -> None:
    with pytest.raises(CoconetError, match="holds no frame pairs"):
        CalibrationSet([], survey([]).kept)


def test_crops_make_up_the_number_and_no_more() -> None:
    pairs = CalibrationSet(different(3), [0, 2])
    assert len(pairs.with_crops(7)) == len(list(pairs.with_crops(7))) == 7
    assert names(pairs.with_crops(7)) == ["0", "10"] * 3 + ["0"]
    assert len(pairs.with_crops(1)) == 2


def test_crops_are_the_same_part_of_both_pictures() -> None:
    same = [FramePair(one.visible, one.visible) for one in different(2)]
    for one in list(CalibrationSet(same, [0, 1]).with_crops(8))[2:]:
        assert one.visible.pixels.shape == (36, 48, 1)
        assert np.array_equal(one.visible.pixels, one.infrared.pixels)


def test_crops_are_cut_at_other_places_and_the_same_in_every_pass() -> None:
    pairs = CalibrationSet(different(1), [0]).with_crops(6)
    first, second = ([one.visible.pixels for one in pairs] for _ in range(2))
    assert all(np.array_equal(one, other) for one, other in zip(first, second, strict=True))
    assert len({one.tobytes() for one in first}) > 3


def test_the_method_says_that_crops_were_used() -> None:
    pairs = CalibrationSet(different(2), [0, 1])
    assert pairs.describe("mse") == "mse"
    assert pairs.with_crops(5).describe("mse") == "mse (3 of the frames are crops)"
