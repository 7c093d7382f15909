"""Frames that a camera never gave are counted by the numbers and the stamps of the others."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterable

import pytest

from coconet.runtime.frame import Frame, StampKind
from coconet.runtime.pairing.frame_gaps import FrameGaps
from tests.support.media.recordings import flat

STEP_NS = 33_333_333


def missing_of(places: Iterable[tuple[int, float]], stamps: StampKind = "driver") -> int:
    """How many are missing among frames of these numbers, taken at these steps of time."""
    gaps = FrameGaps()
    for index, steps in places:
        gaps.note(Frame(flat(0, 2, 2), round(steps * STEP_NS), index, stamps=stamps))
    return gaps.missing


@pytest.mark.parametrize(
    ("places", "wanted"),
    [
        ([(at, at) for at in range(40)], 0),
        ([(at, at + (0.4 if at % 2 else 0)) for at in range(40)], 0),  # jitter
        ([(at, float(time)) for at, time in enumerate([*range(10), *range(13, 30)])], 3),  # numbered as they came
        ([(at, float(at)) for at in [0, 1, 2, *range(5, 30)]], 2),  # a gap among the first ones
        ([(60 * at, 60.0 * at) for at in range(11)], 590),  # a street drawn at 0.5 of 30 frames a second
        ([(0, 0), (4, 4)], 3),
        ([], 0),
    ],
)
def test_gaps_are_what_is_missing_between_frames(places: list[tuple[int, float]], wanted: int) -> None:
    assert missing_of(places) == wanted


@pytest.mark.parametrize(("stamps", "apart"), [("arrival", 1), ("driver", 0)])
def test_a_recording_of_weeks_takes_no_more_memory(stamps: StampKind, apart: int) -> None:
    gaps, pixels = FrameGaps(), flat(0, 2, 2)

    def note_frames(numbers: range) -> int:
        for at in numbers:
            gaps.note(Frame(pixels, at * apart * STEP_NS, 2 * at, stamps=stamps))
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        before = note_frames(range(200))
        assert note_frames(range(200, 5200)) - before < 5000
    finally:
        tracemalloc.stop()
    assert gaps.missing == 5199


def test_times_of_arrival_and_places_of_stills_tell_of_no_gap() -> None:
    late = [(at, float(time)) for at, time in enumerate([*range(10), *range(13, 30)])]
    assert missing_of(late, "arrival") == 0
    assert missing_of([(7 * at, 7.0 * at) for at in range(9)], "still") == 0
