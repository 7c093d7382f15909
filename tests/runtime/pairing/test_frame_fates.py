"""Counts that add up, whatever the cameras do."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from coconet.runtime.pairing import live_pairs
from coconet.runtime.pairing.camera_health import HealthLimits
from coconet.runtime.pairing.frame_fates import FrameFates
from coconet.runtime.pairing.live_pairs import LivePairingOptions, pair_live_cameras
from coconet.runtime.pairing.pair_stream import PairStream, pair_recordings
from coconet.runtime.pairing.paired_captures import Pairing, Policy
from coconet.runtime.pairing.stream_counts import CameraCount
from tests.support.cameras.stage import Actor, Script, Stage
from tests.support.media.recordings import ListCamera, stamped

MS = 10**6

LIMITS = HealthLimits(late_s=0.1, lost_s=0.3, frozen_s=0.25, shutter_s=0.4)

POLICIES: tuple[Policy, ...] = ("drop", "hold", "thermal")


def check(count: CameraCount) -> None:
    reasons = vars(count.unpaired)
    assert min(reasons.values()) >= 0, count
    assert sum(reasons.values()) == count.dropped, count
    assert count.read == count.paired + count.dropped + count.left_over, count


def check_both(stream: PairStream) -> None:
    check(stream.counts.visible)
    check(stream.counts.infrared)


def scripted(rng: random.Random, stage: Stage, name: str) -> Actor:
    """A camera with a rate, a trouble and a lag of its own."""
    begins_s = rng.uniform(0, 0.6)
    trouble = rng.choice(["", "silent", "frozen", "broken"])
    lag_s = rng.choice([0, 0, rng.uniform(-0.1, 0.1)])
    script = Script(trouble, begins_s, begins_s + rng.uniform(0.2, 2), lag_s)
    return Actor(stage, name, script, rng.choice([0.02, 0.04, 0.1]), mortal=trouble == "broken")


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("seed", range(6))
def test_frames_of_live_cameras_with_any_trouble_are_each_counted_once(
    policy: Policy, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_pairs, "_POLL_S", 0.0)
    rng, stage = random.Random(seed), Stage()  # noqa: S311 - the same troubles at every run
    cameras = scripted(rng, stage, "front"), scripted(rng, stage, "boson")
    moved_at = rng.choice([-1, rng.randrange(40)])
    with (
        pair_live_cameras(*cameras, Pairing(policy=policy), live=LivePairingOptions(LIMITS, clock=stage)) as stream,
        stage,
    ):
        try:
            for at, pair in enumerate(stream):
                if at == moved_at:
                    stream.set_offset("infrared", 30 * MS)
                for side in (stream.counts.visible, stream.counts.infrared):
                    assert min(side.dropped, side.read - side.paired, *vars(side.unpaired).values()) >= 0, pair
                if stage.passed_s > 1.6:
                    break
        except Exception as error:  # a camera that nothing opens again
            assert "broken" in str(error) or "cable" in str(error)  # noqa: PT017  what else it raises is a fault
    check_both(stream)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("seed", range(40))
def test_frames_of_recordings_with_any_stamps_are_each_counted_once(policy: Policy, seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - the same stamps at every run

    def stamps() -> list[int]:
        period, at, found = rng.choice([20, 33, 110]), rng.randrange(300), []
        for _ in range(rng.randrange(60)):
            at += rng.choice([period] * 8 + [0, -period, 20 * period])
            found.append(at * MS)
        return found

    tolerance_ns = rng.choice([None, 5 * MS])
    visible, infrared = (ListCamera(stamped(stamps())) for _ in range(2))
    most = rng.choice([3, 1000])
    with pair_recordings(visible, infrared, Pairing(tolerance_ns, policy=policy)) as stream:
        for at, _ in enumerate(stream):
            if at == most:
                break
    check_both(stream)


def test_one_dead_camera_beside_one_that_is_shown_alone_leaves_no_negative_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live_pairs, "_POLL_S", 0.0)
    stage = Stage()
    dead = Actor(stage, "boson", Script("silent", 0.2, 99))
    with pair_live_cameras(Actor(stage, "front"), dead, live=LivePairingOptions(LIMITS, clock=stage)) as stream, stage:
        alone = 0
        for pair in stream:
            alone += bool(pair.missing)
            if stage.passed_s > 2:
                break
    assert alone > 40
    assert stream.counts.visible.paired > alone
    check_both(stream)


@pytest.mark.parametrize(
    ("acts", "came_out", "dropped"),
    [
        ("od", 1, 0),  # shown alone, then let go by the pairer
        ("do", 1, 0),  # stale, but shown alone all the same
        ("oo", 1, 0),  # held over two pairs
        ("d", 0, 1),
        ("", 0, 0),
    ],
)
def test_a_frame_has_one_fate(acts: str, came_out: int, dropped: int) -> None:
    fates, side = FrameFates(), stamped([0])
    (frame,) = side
    does: dict[str, Callable[[], None]] = {"o": lambda: fates.come_out(frame), "d": lambda: fates.drop(frame, "stale")}
    for act in acts:
        does[act]()
    assert (fates.came_out, sum(fates.dropped().values())) == (came_out, dropped)
    assert fates.open_among(side) == (not acts)


@pytest.mark.parametrize(("later_s", "said"), [(5, "5.000 s after"), (-5, "5.000 s before")])
def test_cameras_whose_clocks_are_apart_are_told_by_how_much(later_s: int, said: str) -> None:
    visible, infrared = (
        ListCamera(stamped(range(zero_s * 10**9, zero_s * 10**9 + 10**9, 50 * MS))) for zero_s in (10, 10 + later_s)
    )
    with pair_recordings(visible, infrared) as stream:
        assert not list(stream)
    assert f"infrared begins {said} visible" in stream.counts.trouble
    assert "--starts together" in stream.counts.remedy


def test_a_camera_that_gave_nothing_is_said_to_be_that() -> None:
    with pair_recordings(ListCamera(stamped([0, 40 * MS])), ListCamera([])) as stream:
        assert not list(stream)
    assert stream.counts.trouble.endswith("the infrared camera gave no frame")
    assert "Look at the infrared camera" in stream.counts.remedy
