"""Live rigs whose cameras falter: who is shown, what is said, and that the stream goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pytest

from coconet.errors import CoconetError
from coconet.runtime.backends.baseline import BaselineBackend
from coconet.runtime.frame import Frame, FramePair
from coconet.runtime.loop.pipeline import fused_pixels
from coconet.runtime.pairing.camera_health import HealthLimits
from coconet.runtime.pairing.capture import Recovery
from coconet.runtime.pairing.live_pairs import LiveSettings, pair_live_cameras

LIMITS = HealthLimits(late_s=0.1, lost_s=0.3, frozen_s=0.25, shutter_s=0.4)
SETTINGS = LiveSettings(LIMITS)


@dataclass
class Script:
    """What a camera does from a second on: nothing, the same picture again, or an error; then it is well again."""

    trouble: str = ""
    begins_s: float = 0.4
    ends_s: float = 1.2
    began: float = field(default_factory=time.monotonic)

    def now(self) -> str:
        passed = time.monotonic() - self.began
        return self.trouble if self.begins_s <= passed < self.ends_s else ""


class Actor:
    """A live camera, of 50 frames a second unless told otherwise, that follows a script."""

    realtime = True

    def __init__(self, name: str, channels: int, script: Script | None = None, period_s: float = 0.02) -> None:
        self._period_s = period_s
        self.name, self._channels, self._script = name, channels, script or Script()
        self._rng, self._index = np.random.default_rng(3), 0
        self._pixels = self._picture()

    def read(self) -> Frame | None:
        time.sleep(self._period_s)
        while self._script.now() == "silent":
            time.sleep(0.01)
        if self._script.now() == "broken":
            raise CoconetError(self.name, wanted="a frame", got="a cut cable", remedy="Plug it in.")
        if self._script.now() != "frozen":
            self._pixels = self._picture()
        self._index += 1
        return Frame(self._pixels, time.monotonic_ns(), self._index, stamps="arrival")

    def close(self) -> None:
        """Nothing to release."""

    def _picture(self) -> np.ndarray:
        return self._rng.integers(100, 156, (48, 64, self._channels), dtype=np.uint8)


def watched(
    visible: Actor, infrared: Actor, seconds: float, recovery: Callable[[], Actor] | None = None
) -> list[FramePair]:
    live = SETTINGS if recovery is None else LiveSettings(LIMITS, {"infrared": Recovery(recovery, 0.05, 0.1)})
    pairs: list[FramePair] = []
    with pair_live_cameras(visible, infrared, live=live) as stream:
        began = time.monotonic()
        for pair in stream:
            pairs.append(pair)
            if time.monotonic() - began > seconds:
                break
    return pairs


def spells(pairs: list[FramePair]) -> Iterator[tuple[frozenset[str], str]]:
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
def test_the_visible_camera_goes_on_alone_and_the_infrared_one_comes_back(trouble: str, said: list[str]) -> None:
    script = Script(trouble)
    pairs = watched(Actor("front", 3), Actor("boson", 1, script), 1.8, lambda: Actor("boson", 1, script))
    alone = frozenset({"infrared"})
    told = [words for who, words in spells(pairs) if who == alone]
    assert [words for words in dict.fromkeys(told) if words.split()[1] in said] == [f"infrared {word}" for word in said]
    assert not pairs[-1].missing
    stamps = [pair.timestamp_ns for pair in pairs]
    assert stamps == sorted(set(stamps))


def test_the_infrared_camera_goes_on_alone_in_pictures_shaped_like_the_visible_ones() -> None:
    pairs = watched(Actor("front", 3, Script("silent")), Actor("boson", 1), 0.9)
    alone = [pair for pair in pairs if pair.missing == {"visible"}]
    assert alone
    assert alone[-1].notice.startswith("visible l")
    shown = fused_pixels(alone[-1], BaselineBackend())
    assert shown.shape == (48, 64, 3)
    assert np.array_equal(shown[20:], np.repeat(alone[-1].infrared.pixels[20:], 3, axis=2))
    assert not np.array_equal(shown[:12], np.repeat(alone[-1].infrared.pixels[:12], 3, axis=2))  # the badge


def test_with_both_cameras_gone_a_black_picture_says_so() -> None:
    pairs = watched(Actor("front", 3, Script("silent")), Actor("boson", 1, Script("silent")), 1.0)
    gone = [pair for pair in pairs if len(pair.missing) == 2]
    assert gone
    assert "visible lost" in gone[-1].notice
    assert "infrared lost" in gone[-1].notice
    assert not fused_pixels(gone[-1], BaselineBackend())[20:].any()


def test_a_survivor_keeps_the_rate_that_the_pairs_had() -> None:
    """Pairs come at the 100 ms of the infrared camera; without it the visible one's 20 ms are thinned to that."""
    broken = Actor("boson", 1, Script("broken", 1.2, 9), 0.1)
    pairs = watched(Actor("front", 3), broken, 2.4, lambda: broken)
    alone = [pair.timestamp_ns / 1e6 for pair in pairs if "lost" in pair.notice]
    assert 60 <= np.median(np.diff(alone)) <= 300


def test_the_health_of_both_cameras_can_be_asked_for() -> None:
    with pair_live_cameras(Actor("front", 3), Actor("boson", 1), live=SETTINGS) as stream:
        for pair in stream:
            if pair.visible.index > 20:
                break
        visible, infrared = stream.health()
    assert visible is not None
    assert infrared is not None
    assert (visible.name, infrared.name, visible.stamps) == ("front", "boson", "arrival")
    assert visible.read > 15
    counts = stream.counts.visible
    assert counts.read == counts.paired + counts.dropped


def test_an_error_without_a_way_to_recover_ends_the_stream() -> None:
    with pytest.raises(CoconetError, match="a cut cable"):
        watched(Actor("front", 3), Actor("boson", 1, Script("broken", 0.1)), 5)
