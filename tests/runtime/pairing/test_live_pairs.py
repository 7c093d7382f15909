"""Live rigs whose cameras are late or silent: which frames come out, what is logged, and that the stream goes on."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from coconet.errors import CoconetError
from coconet.runtime.backends.rules.baseline import BaselineBackend
from coconet.runtime.frame import FramePair, Side
from coconet.runtime.loop.pipeline import fuse_pair
from coconet.runtime.pairing import live_pairs
from coconet.runtime.pairing.camera_health import HealthLimits
from coconet.runtime.pairing.capture import Recovery
from coconet.runtime.pairing.live_pairs import LivePairingOptions, pair_live_cameras
from coconet.runtime.pairing.paired_captures import Pairing, Policy
from tests.support.cameras.stage import Actor, Script, Stage

LIMITS = HealthLimits(late_s=0.1, lost_s=0.3, frozen_s=0.25, shutter_s=0.4)


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.setattr(live_pairs, "_POLL_S", 0.0)  # a step of the stage needs no real time
    return Stage()


def watched(stage: Stage, visible: Actor, infrared: Actor, seconds: float, *, recovers: bool = True) -> list[FramePair]:
    """What comes out in `seconds` of the stage; an infrared camera that fails is opened again at once."""
    recoveries: dict[Side, Recovery] = {"infrared": Recovery(lambda: infrared, first_wait_s=0.0)} if recovers else {}
    pairs: list[FramePair] = []
    with (
        pair_live_cameras(visible, infrared, live=LivePairingOptions(LIMITS, recoveries, clock=stage)) as stream,
        stage,
    ):
        for pair in stream:
            pairs.append(pair)
            if stage.passed_s > seconds:
                break
    return pairs


def spells(pairs: list[FramePair]) -> Iterator[tuple[frozenset[Side], str]]:
    """Each change of who is missing, with the first word of the notice."""
    before: object = None
    for pair in pairs:
        told = (pair.missing, " ".join(pair.notice.split()[:2]))
        if told != before:
            yield told
        before = told


@pytest.mark.parametrize(
    ("trouble", "said"), [("silent", ["late", "lost"]), ("frozen", ["shutter", "frozen"]), ("broken", ["lost"])]
)
def test_the_visible_camera_goes_on_alone_and_the_infrared_one_comes_back(
    stage: Stage, trouble: str, said: list[str]
) -> None:
    pairs = watched(stage, Actor(stage, "front"), Actor(stage, "boson", Script(trouble)), 1.8)
    told = list(spells(pairs))
    both, alone = frozenset[Side](), frozenset[Side]({"infrared"})
    assert told == [(both, ""), *((alone, f"infrared {word}") for word in said), (both, "")]
    stamps = [pair.timestamp_ns for pair in pairs]
    assert stamps == sorted(set(stamps))


def test_the_infrared_camera_goes_on_alone_in_pictures_shaped_like_the_visible_ones(stage: Stage) -> None:
    pairs = watched(stage, Actor(stage, "front", Script("silent")), Actor(stage, "boson"), 0.9)
    alone = [pair for pair in pairs if pair.missing == {"visible"}]
    assert [pair.notice for pair in alone][:1] == ["visible late 0.1 s"]
    assert alone[-1].notice == "visible lost 0.5 s"
    shown = fuse_pair(alone[-1], BaselineBackend())
    assert shown.shape == (48, 64, 3)
    assert np.array_equal(shown[20:], np.repeat(alone[-1].infrared.pixels[20:], 3, axis=2))
    assert not np.array_equal(shown[:12], np.repeat(alone[-1].infrared.pixels[:12], 3, axis=2))  # the badge


def test_with_both_cameras_gone_a_black_picture_says_so(stage: Stage) -> None:
    silent = Script("silent")
    pairs = watched(stage, Actor(stage, "front", silent), Actor(stage, "boson", silent), 1.0)
    gone = [pair for pair in pairs if len(pair.missing) == 2]
    assert gone
    assert "visible lost" in gone[-1].notice
    assert "infrared lost" in gone[-1].notice
    assert not fuse_pair(gone[-1], BaselineBackend())[20:].any()


@pytest.mark.parametrize("behind_s", [0, 3, -3])
def test_both_cameras_are_shown_as_soon_as_they_are_back_however_far_from_the_clock_their_stamps_lie(
    stage: Stage, behind_s: float
) -> None:
    silent = Script("silent", behind_s=behind_s)
    pairs = watched(stage, Actor(stage, "front", silent), Actor(stage, "boson", silent), 1.8)
    assert {len(pair.missing) for pair in pairs} == {0, 2}
    assert not pairs[-1].missing
    back = [pair for pair in pairs if not pair.missing and pair.timestamp_ns > stage.now_ns - (behind_s + 0.6) * 1e9]
    assert len(back) > 20
    stamps = [pair.timestamp_ns for pair in pairs]
    assert stamps == sorted(set(stamps))


def test_a_survivor_keeps_the_rate_that_the_pairs_had(stage: Stage) -> None:
    """Pairs come at the 100 ms of the infrared camera; without it the visible one's 20 ms are thinned to that."""
    broken = Actor(stage, "boson", Script("broken", 1.2, 9), 0.1)
    pairs = watched(stage, Actor(stage, "front"), broken, 2.4)
    alone = [pair.timestamp_ns / 1e6 for pair in pairs if "lost" in pair.notice]
    assert len(alone) > 10
    assert 75 <= min(np.diff(alone)) <= max(np.diff(alone)) <= 100


def test_the_health_of_both_cameras_can_be_asked_for(stage: Stage) -> None:
    live = LivePairingOptions(LIMITS, clock=stage)
    with pair_live_cameras(Actor(stage, "front"), Actor(stage, "boson"), live=live) as stream, stage:
        for pair in stream:
            if pair.visible.index > 20:
                break
        visible, infrared = stream.health()
    assert visible is not None
    assert infrared is not None
    assert (visible.name, infrared.name, visible.stamps) == ("front", "boson", "arrival")
    assert visible.read == 21
    assert visible.fps == pytest.approx(50)
    counts = stream.counts.visible
    assert counts.read == counts.paired + counts.dropped


def test_an_error_without_a_way_to_recover_ends_the_stream(stage: Stage) -> None:
    broken = Actor(stage, "boson", Script("broken", 0.1), mortal=True)
    with pytest.raises(CoconetError, match="a cut cable"):
        watched(stage, Actor(stage, "front"), broken, 5, recovers=False)


@pytest.mark.parametrize("policy", ["drop", "hold", "thermal"])
@pytest.mark.parametrize(("offset_ms", "tolerance_ms"), [(5000, None), (-5000, None), (7, 0)])
def test_two_live_cameras_that_never_pair_say_so_and_pair_again_once_they_can(
    stage: Stage, policy: Policy, offset_ms: int, tolerance_ms: int | None
) -> None:
    tolerance_ns = None if tolerance_ms is None else tolerance_ms * 10**6
    pairing = Pairing(tolerance_ns, infrared_offset_ns=offset_ms * 10**6, policy=policy)
    live, told, pairs = LivePairingOptions(LIMITS, clock=stage), [], []
    with pair_live_cameras(Actor(stage, "front"), Actor(stage, "boson"), pairing, live=live) as stream, stage:
        for pair in stream:
            pairs.append(pair)
            told.append(stream.pairing_trouble())
            if len(pairs) == 20:
                stream.set_offset("infrared", 0)
            if stage.passed_s > 4.5:
                break
    assert stage.passed_s < 5  # of the stage: nothing waits for the end of the test
    assert [pair.missing for pair in pairs[:20]] == [frozenset({"infrared"})] * 20
    assert told[0] == pairs[0].notice
    assert told[0].startswith(f"no pairs: infrared {offset_ms:+d} ms from visible")
    assert (pairs[-1].missing, told[-1]) == (frozenset(), "")
    stamps = [pair.timestamp_ns for pair in pairs]
    assert stamps == sorted(set(stamps))


def test_a_camera_that_is_late_for_a_moment_does_not_unsay_that_there_are_no_pairs(stage: Stage) -> None:
    pairing, told = Pairing(infrared_offset_ns=5 * 10**9), []
    live = LivePairingOptions(LIMITS, clock=stage)
    halting = Actor(stage, "boson", Script("silent", 4.0, 4.2))
    with pair_live_cameras(Actor(stage, "front"), halting, pairing, live=live) as stream, stage:
        for pair in stream:
            told.append((stream.pairing_trouble(), pair.notice))
            if stage.passed_s > 6:
                break
    assert any(notice.startswith("infrared late") for _, notice in told)
    assert all(trouble.startswith("no pairs: infrared +5000 ms") for trouble, _ in told)
    assert told[-1][0] == told[-1][1]


def test_slow_cameras_that_pair_now_and_then_are_not_called_unpaired(stage: Stage) -> None:
    slow = HealthLimits(late_s=5, lost_s=10, frozen_s=0)
    live = LivePairingOptions(slow, clock=stage)
    with pair_live_cameras(Actor(stage, "front"), Actor(stage, "boson", period_s=2.0), live=live) as stream, stage:
        for pair in stream:
            assert not pair.missing, pair.notice
            if stage.passed_s > 11:
                break
