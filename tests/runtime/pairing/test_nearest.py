"""Pairing by time, compared with an exhaustive search."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coconet.runtime.frame import Side
from coconet.runtime.pairing.nearest import Pairer, Reason
from coconet.runtime.pairing.pair_stream import pair_recordings
from coconet.runtime.pairing.paired_captures import Pairing, Policy
from tests.support.media.recordings import ListCamera, stamped
from tests.support.rigs.pairing import exhaustive, fed, stamps_of

MS = 10**6

Stamps = st.lists(st.integers(0, 2000), min_size=0, max_size=40, unique=True).map(sorted)


def paired(pairer: Pairer, visible: list[int], infrared: list[int]) -> list[tuple[int, int]]:
    return stamps_of(fed(pairer, visible, infrared))


def camera(fps: float, seconds: float, jitter_ms: float, phase_ms: float, seed: int) -> list[int]:
    rng = np.random.default_rng(seed)
    steps = np.arange(int(fps * seconds))
    times_ms = phase_ms + steps * 1000 / fps + rng.uniform(0, jitter_ms, len(steps))
    return [round(time * MS) for time in times_ms]


@given(Stamps, Stamps, st.integers(0, 300))
def test_pairs_are_those_of_the_exhaustive_search(visible: list[int], infrared: list[int], tolerance: int) -> None:
    assert paired(Pairer(tolerance), visible, infrared) == exhaustive(visible, infrared, tolerance)


@given(Stamps, Stamps)
def test_every_frame_is_used_once_in_order_or_dropped(visible: list[int], infrared: list[int]) -> None:
    pairer = Pairer(50)
    pairs = paired(pairer, visible, infrared)
    sides: tuple[tuple[Side, list[int]], ...] = (("visible", visible), ("infrared", infrared))
    for column, (side, stamps) in enumerate(sides):
        used = [pair[column] for pair in pairs]
        assert used == sorted(set(used))
        assert len(used) + pairer.unpaired(side).total() <= len(stamps)


@pytest.mark.parametrize("jitter_ms", [0.0, 3.0])
@pytest.mark.parametrize(("fast", "slow"), [(30, 9), (60, 25), (30, 25)])
@pytest.mark.parametrize("phase_ms", [0.0, 11.0])
def test_unlike_rates_pair_every_slow_frame_with_its_nearest(
    fast: float, slow: float, jitter_ms: float, phase_ms: float
) -> None:
    visible, infrared = camera(fast, 4, jitter_ms, 0, 1), camera(slow, 3.5, jitter_ms, phase_ms, 2)
    pairs = paired(Pairer(), visible, infrared)
    assert pairs == exhaustive(visible, infrared, round(500 * MS / slow))
    assert len(pairs) >= len(infrared) * 0.9
    assert max(abs(first - second) for first, second in pairs) <= (500 / fast + 2 * jitter_ms) * MS


@given(st.floats(0, 12), st.integers(0, 1000))
def test_equal_rates_pair_every_frame_while_the_jitter_stays_below_half_a_period(jitter_ms: float, seed: int) -> None:
    visible, infrared = camera(30, 2, jitter_ms, 0, seed), camera(30, 2, jitter_ms, 0, seed + 1)
    assert paired(Pairer(), visible, infrared) == list(zip(visible, infrared, strict=True))


def test_the_tolerance_is_half_the_slower_period() -> None:
    pairer = Pairer()
    paired(pairer, camera(30, 1, 0, 0, 0), camera(9, 1, 0, 0, 0))
    assert pairer.tolerance_ns == pytest.approx(500 * MS / 9, abs=1)


def test_a_gap_in_one_stream_costs_only_the_frames_of_the_other_in_that_gap() -> None:
    visible = camera(30, 2, 0, 0, 0)
    infrared = visible[:20] + visible[35:]
    pairer = Pairer()
    assert paired(pairer, visible, infrared) == [(stamp, stamp) for stamp in infrared]
    assert (pairer.unpaired("visible").total(), pairer.unpaired("infrared").total()) == (15, 0)


def test_a_stamp_that_steps_back_is_dropped() -> None:
    pairer = Pairer(5)
    for frame in stamped([10, 8, 20]):
        pairer.push("visible", frame)
    for frame in stamped([10, 20]):
        pairer.push("infrared", frame)
    assert [pairer.pop() is not None for _ in range(3)] == [True, True, False]
    assert pairer.unpaired("visible") == {"stale": 1}


def first_of(pairer: Pairer, visible: list[int], infrared: list[int]) -> bool:
    sides: tuple[tuple[Side, list[int]], ...] = (("visible", visible), ("infrared", infrared))
    for side, stamps in sides:
        for frame in stamped([stamp * MS for stamp in stamps]):
            pairer.push(side, frame)
    pairs = 0
    while pairer.pop() is not None:
        pairs += 1
    return pairs == len(infrared)


def test_a_prompt_pairer_does_not_wait_where_no_nearer_frame_is_expected() -> None:
    visible, infrared = [0, 33, 66, 100], [5, 38, 71, 105]
    assert first_of(Pairer(prompt=True), visible, infrared)
    assert not first_of(Pairer(), visible, infrared)


def test_a_prompt_pairer_waits_where_a_nearer_frame_is_expected() -> None:
    pairer = Pairer(prompt=True)
    assert not first_of(pairer, [0, 33, 66, 100], [17, 128])
    pairer.push("visible", stamped([133 * MS])[0])
    pair = pairer.pop()
    assert pair is not None
    assert (pair.visible.timestamp_ns, pair.infrared.timestamp_ns) == (133 * MS, 128 * MS)


def test_frames_do_not_pile_up_beside_a_camera_that_stands_still() -> None:
    pairer = Pairer(prompt=True)
    for frame in stamped(range(1, 500)):
        pairer.push("visible", frame)
    assert pairer.unpaired("visible").total() > 400
    pairer.flush()
    assert pairer.unpaired("visible") == {"missing": 499}


SIDES: tuple[Side, Side] = ("visible", "infrared")


@pytest.mark.parametrize("policy", get_args(Policy))
@pytest.mark.parametrize(("gap_ms", "pairs"), [(5, 1), (-5, 1), (400, 0), (-400, 0)])
def test_two_cameras_of_one_frame_each_make_a_pair_if_it_is_near(policy: Policy, gap_ms: int, pairs: int) -> None:
    visible, infrared = ListCamera(stamped([10**9])), ListCamera(stamped([10**9 + gap_ms * MS]))
    with pair_recordings(visible, infrared, Pairing(policy=policy)) as stream:
        assert len(list(stream)) == pairs


@pytest.mark.parametrize("gap_ms", [5, -5])
def test_one_frame_beside_many_waits_until_a_period_is_known(gap_ms: int) -> None:
    visible = ListCamera(stamped([10**9]))
    infrared = ListCamera(stamped([10**9 + gap_ms * MS + at * 33 * MS for at in range(5)]))
    with pair_recordings(visible, infrared) as stream:
        assert [pair.skew_ns for pair in stream] == [gap_ms * MS]


def reasons(visible: list[int], infrared: list[int], tolerance_ms: int | None = None) -> list[dict[Reason, int]]:
    """Why frames with these stamps, in ms, stay alone, visible first."""
    pairer = Pairer(None if tolerance_ms is None else tolerance_ms * MS)
    paired(pairer, [stamp * MS for stamp in visible], [stamp * MS for stamp in infrared])
    pairer.flush()
    return [dict(pairer.unpaired(side)) for side in SIDES]


def test_at_twice_the_rate_half_of_the_frames_are_spare() -> None:
    assert reasons(list(range(0, 400, 20)), list(range(0, 400, 40))) == [{"spare": 9, "after_end": 1}, {}]
    assert reasons(list(range(0, 400, 20)), list(range(0, 400, 40)), 5) == [{"spare": 9, "after_end": 1}, {}]


def test_clocks_that_are_apart_by_more_than_the_tolerance_leave_frames_too_far() -> None:
    visible, infrared = reasons(list(range(0, 1000, 100)), list(range(45, 1000, 100)), 20)
    assert (visible.get("spare", 0), infrared.get("spare", 0)) == (0, 0)
    assert (visible["too_far"], infrared["too_far"]) == (10, 9)


def test_what_comes_before_the_other_camera_begins_is_missing() -> None:
    visible, infrared = reasons(list(range(0, 3000, 40)), list(range(2000, 3000, 40)))
    assert visible == {"missing": 48, "too_far": 1, "spare": 1}  # those within two periods have a partner, far away
    assert infrared == {}
