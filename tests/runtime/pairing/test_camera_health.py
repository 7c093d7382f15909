"""How a camera is, told from made-up arrivals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coconet.errors import CoconetError
from coconet.media.pixels import RawPixels
from coconet.runtime.frame import Frame
from coconet.runtime.pairing.camera_health import HealthLimits, HealthWatch

MS = 10**6


def noisy(seed: int) -> RawPixels:
    pixels: RawPixels = np.random.default_rng(seed).integers(3000, 4000, (24, 32, 1), dtype=np.uint16)
    return pixels


def watched(times_ms: list[float], *, thermal: bool = False, same_from: int = 10**9) -> HealthWatch:
    """A watch that has seen noise arrive at these times, and one and the same picture from `same_from` on."""
    watch = HealthWatch("front", thermal=thermal)
    for index, time_ms in enumerate(times_ms):
        watch.note(
            Frame(noisy(min(index, same_from)), round(time_ms * MS), index, stamps="arrival"), round(time_ms * MS)
        )
    return watch


def every(period_ms: float, count: int) -> list[float]:
    return [index * period_ms for index in range(count)]


def test_before_the_first_frame_a_camera_is_lost_and_its_age_unknown() -> None:
    told = HealthWatch("front").snapshot(0)
    assert (told.state, told.age_ms, told.fps, told.stamps) == ("lost", None, 0.0, None)


@given(st.floats(5, 300), st.integers(2, 40))
def test_steady_frames_at_any_rate_are_live_then_late_then_lost(period_ms: float, count: int) -> None:
    watch = watched(every(period_ms, count))
    last = period_ms * (count - 1)
    states = [watch.state(round((last + silent) * MS)) for silent in (1.5 * period_ms, max(3 * period_ms, 250), 6000)]
    assert states[0] == "live"
    assert states[1:] == ["late", "lost"]


def test_the_snapshot_gives_rate_age_and_whose_stamps() -> None:
    told = watched(every(40, 20)).snapshot((19 * 40 + 10) * MS)
    assert (told.name, told.state, told.read, told.stamps) == ("front", "live", 20, "arrival")
    assert told.fps == pytest.approx(25)
    assert told.age_ms == pytest.approx(10)


def test_the_same_picture_for_a_second_is_frozen_though_frames_keep_coming() -> None:
    watch = watched(every(40, 60), same_from=20)
    assert watch.state(59 * 40 * MS) == "frozen"
    assert watched(every(40, 40), same_from=20).state(39 * 40 * MS) == "live"


def test_a_thermal_camera_that_repeats_is_behind_its_shutter_and_frozen_when_it_stays_there() -> None:
    assert watched(every(40, 40), thermal=True, same_from=20).state(39 * 40 * MS) == "shutter"
    assert watched(every(40, 120), thermal=True, same_from=20).state(119 * 40 * MS) == "frozen"


def test_a_core_that_sends_every_picture_three_times_is_live() -> None:
    watch = HealthWatch("lepton", thermal=True)
    for index in range(60):
        watch.note(Frame(noisy(index // 3), 0, index), index * 37 * MS)
        assert watch.state(index * 37 * MS) == "live"


def test_a_thermal_camera_that_shows_its_blank_shutter_says_so_at_once_and_recovers() -> None:
    watch = watched(every(40, 20), thermal=True)
    blank = (3500 + noisy(77) % 20).astype(np.uint16)
    watch.note(Frame(blank, 0, 20), 800 * MS)
    assert watch.state(800 * MS) == "shutter"
    watch.note(Frame(noisy(21), 0, 21), 840 * MS)
    assert watch.state(840 * MS) == "live"


def test_a_switch_to_a_gain_of_a_tenth_is_no_shutter() -> None:
    rng, scene = np.random.default_rng(1), np.linspace(29000, 31000, 24 * 32).reshape(24, 32, 1)
    watch = HealthWatch("lepton", thermal=True)
    for index in range(40):
        counts = (scene + rng.normal(0, 8, scene.shape)) / (1 if index < 20 else 10)
        watch.note(Frame(np.rint(counts).astype(np.uint16), 0, index), index * 40 * MS)
        assert watch.state(index * 40 * MS) == "live"


def test_a_repeated_picture_with_holes_in_it_is_repeated_all_the_same() -> None:
    watch, picture = HealthWatch("front"), noisy(1).astype(np.float32)
    picture[3, 4] = np.nan
    for index in range(40):
        watch.note(Frame(picture.copy(), 0, index), index * 40 * MS)
    assert watch.state(39 * 40 * MS) == "frozen"


def test_a_lost_connection_is_told_at_once_and_forgotten_with_the_next_frame() -> None:
    watch = watched(every(40, 20))
    watch.note_loss("connection refused")
    told = watch.snapshot(19 * 40 * MS)
    assert (told.state, told.trouble, told.live) == ("lost", "connection refused", False)
    watch.note(Frame(noisy(99), 0, 20), 5000 * MS)
    told = watch.snapshot(5000 * MS)
    assert (told.state, told.trouble, told.reconnects) == ("live", "", 1)
    assert told.fps == pytest.approx(25)


def test_limits_that_make_no_sense_are_refused() -> None:
    with pytest.raises(CoconetError, match="has limits out of range.*Use late_periods above 1"):
        HealthLimits(late_periods=1.0)
