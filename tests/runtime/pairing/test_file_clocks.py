"""Clocks of files: those that jump, and those that begin apart."""

from __future__ import annotations

import pytest

from coconet.runtime.pairing.file_clocks import FileClock, align_starts
from tests.support.media.recordings import ListCamera, stamped

MS, HOUR_MS = 10**6, 3_600_000
STEADY = [0, 40, 80, 120, 160, 200]


def clock(stamps_ms: list[int]) -> FileClock:
    return FileClock(ListCamera(stamped([stamp * MS for stamp in stamps_ms])))


def given(file: FileClock) -> list[int]:
    return [frame.timestamp_ns // MS for frame in iter(file.read, None)]


@pytest.mark.parametrize(
    ("stamps_ms", "jumps"),
    [
        (STEADY, 0),
        ([0, 40, 80, 120 + 11 * HOUR_MS, 160 + 11 * HOUR_MS, 200 + 11 * HOUR_MS], 1),
        ([5000, 5040, 5080, 0, 40, 80], 1),
        ([0, 40, 80 + HOUR_MS, 120, 160, 200], 2),  # there and back
        ([-80, -40, 0, 40, 80, 120], 0),
        ([5000, 5040, 40 - 11 * HOUR_MS, 80 - 11 * HOUR_MS, 5160, 5200], 2),
    ],
)
def test_a_clock_that_jumps_goes_on_one_period_after_the_last_frame(stamps_ms: list[int], jumps: int) -> None:
    file = clock(stamps_ms)
    assert [stamp - stamps_ms[0] for stamp in given(file)] == STEADY
    assert file.jumps == jumps


def test_a_clock_that_is_set_back_by_little_goes_on_after_two_frames() -> None:
    file = clock([0, 40, 80, 120, 160, 20, 60, 100, 140, 180])
    assert given(file) == [0, 40, 80, 120, 160, 20, 60, 280, 320, 360]
    assert file.jumps == 1


@pytest.mark.parametrize(
    "stamps_ms",
    [
        [0, 40, 30_000, 30_040],  # a pause
        [0, 60_000, 120_000, 300_000],  # a picture a minute, two of them lost
        [0, 17, 50, 67, 117],  # variable
        [0, 40, 30, 80, 120],  # one frame in the wrong place
        [0, 40, 120, 60, 80, 160, 200],  # two of them
        [0, 40, 40, 40, 40, 80],  # one stamp for several
    ],
)
def test_pauses_and_variable_rates_stay_as_they_are(stamps_ms: list[int]) -> None:
    file = clock(stamps_ms)
    assert given(file) == stamps_ms
    assert file.jumps == 0


@pytest.mark.parametrize(("late_ms", "shift_ms"), [(15, 0), (-20, 0), (1480, -1480), (-1480, 1480)])
def test_files_that_begin_further_apart_than_a_pair_are_laid_together(late_ms: int, shift_ms: int) -> None:
    visible, infrared = clock(STEADY), clock([stamp + late_ms for stamp in STEADY])
    assert align_starts(visible, infrared, None) == shift_ms * MS
    assert given(visible) == STEADY
    assert given(infrared) == [stamp + late_ms + shift_ms for stamp in STEADY]


def test_it_is_said_by_how_much(capsys: pytest.CaptureFixture[str]) -> None:
    align_starts(clock(STEADY), clock([stamp + 2345 for stamp in STEADY]), None)
    assert "begins 2.345 s after" in capsys.readouterr().err


def test_an_empty_file_is_left_alone() -> None:
    assert align_starts(clock(STEADY), clock([]), None) == 0
