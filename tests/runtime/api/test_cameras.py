"""Cameras of one's own from Python."""

from __future__ import annotations

import time
from functools import partial
from threading import Event
from typing import Any

import numpy as np
import pytest

import coconet
from coconet.media.pixels import RawPixels
from coconet.runtime.cameras.camera import CameraAbsent
from coconet.runtime.registration import pair_sampling
from coconet.runtime.registration.pair_sampling import PairSampling
from tests.support.media.recordings import stamped


class Own:
    """Gives what is in a list."""

    realtime = False

    def __init__(self, frames: list[coconet.Frame]) -> None:
        self.frames, self.closed = iter(frames), 0

    def read(self) -> coconet.Frame | None:
        return next(self.frames, None)

    def close(self) -> None:
        self.closed += 1


class Live(Own):
    """Fails at the read of this number, and for ever once it was closed."""

    realtime, reads = True, 0

    def __init__(self, fails_at: int = 0) -> None:
        super().__init__([])
        self.fails_at = fails_at

    def read(self) -> Any:
        self.reads += 1
        time.sleep(0.01)
        if self.closed or self.reads == self.fails_at:
            raise ValueError("a cable")
        return np.full((24, 32), self.reads % 256, np.uint8)


def test_two_classes_with_a_read_are_paired_by_their_stamps_and_closed() -> None:
    visible, infrared = Own(stamped([0, 40, 80])), Own(stamped([7, 47, 87]))
    with coconet.pair_cameras(visible, infrared, align=False) as pairs:
        assert [(pair.timestamp_ns, pair.skew_ns) for pair in pairs] == [(0, 7), (40, 7), (80, 7)]
    assert (visible.closed, infrared.closed) == (1, 1)


def test_a_rig_gives_the_offsets_and_the_front_end() -> None:
    rig = coconet.Rig.from_addresses("own://a", "own://b")
    rig = rig.model_copy(update={"infrared": rig.infrared.model_copy(update={"black_hot": True})})
    frames = [coconet.Frame(np.full((4, 6, 1), 40, np.uint8), 0, 0)]
    with coconet.pair_cameras(Own(frames), Own(list(frames)), rig) as pairs:
        assert [int(pair.infrared.pixels[0, 0, 0]) for pair in pairs] == [215]


def test_pixels_alone_are_stamped_when_they_come_and_an_error_is_a_loss() -> None:
    class Live:
        reads, rng = 0, np.random.default_rng(1)

        def read(self) -> RawPixels:
            self.reads += 1
            time.sleep(0.01)
            if self.reads == 3:
                raise ValueError("a cable")
            return self.rng.integers(0, 255, (24, 32), np.uint8)

    before_ns, seen, stop, camera = time.monotonic_ns(), [], Event(), Live()
    with coconet.pair_cameras(Live(), camera) as pairs:
        for pair in pairs.until(stop):
            seen.append(pair)
            if (camera.reads > 5 and not pair.missing) or camera.reads > 6000:
                stop.set()
    assert camera.reads <= 6000
    assert seen[0].visible.timestamp_ns > before_ns
    assert seen[-1].infrared.pixels.shape == (24, 32, 1)


def test_a_live_camera_that_failed_once_comes_back_and_is_closed_at_the_end_alone() -> None:
    visible, infrared, stop = Live(), Live(fails_at=3), Event()
    ends = time.monotonic() + 20
    with coconet.pair_cameras(visible, infrared) as pairs:
        for pair in pairs.until(stop):
            came_back = infrared.reads > 9 and not pair.missing
            if came_back or time.monotonic() > ends:
                stop.set()
        assert (visible.closed, infrared.closed) == (0, 0)
    assert came_back
    assert (visible.closed, infrared.closed) == (1, 1)


def test_live_cameras_that_are_aligned_first_are_still_open_for_the_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pair_sampling, "PairSampling", partial(PairSampling, pairs=2, every=1))

    rig = coconet.Rig.from_addresses("own://a", "own://b")
    rig = rig.model_copy(update={"alignment": rig.alignment.model_copy(update={"fit": "align"})})
    visible, infrared = Live(), Live()
    with coconet.pair_cameras(visible, infrared, rig) as pairs:
        assert (visible.closed, infrared.closed) == (0, 0)
        assert not next(iter(pairs)).missing
    assert (visible.closed, infrared.closed) == (1, 1)


@pytest.mark.parametrize("count", [3, 12])
def test_recordings_that_are_aligned_first_give_every_pair_from_the_first_on(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pair_sampling, "PairSampling", partial(PairSampling, pairs=2, every=2))
    rig = coconet.Rig.from_addresses("own://a", "own://b")
    rig = rig.model_copy(update={"alignment": rig.alignment.model_copy(update={"fit": "align"})})
    stamps = [40 * number for number in range(count)]
    with coconet.pair_cameras(Own(stamped(stamps)), Own(stamped(stamps)), rig) as pairs:
        assert [pair.timestamp_ns for pair in pairs] == stamps


@pytest.mark.parametrize("pixels", [np.zeros((4, 6, 2), np.uint8), np.zeros((4, 6), np.float64), "picture"])
def test_what_is_no_picture_is_refused_with_its_camera(pixels: RawPixels) -> None:
    frames = Own([coconet.Frame(pixels, 0, 0)])
    pairs = coconet.pair_cameras(frames, Own(stamped([0])))
    with pairs, pytest.raises(coconet.CoconetError, match=r"visible camera \(Own\).*uint16 or float32"):
        list(pairs)


@pytest.mark.parametrize("stamp", [None, 0.04, "now", True])
def test_a_time_that_is_no_whole_number_is_refused_with_its_camera(stamp: Any) -> None:
    frames = Own([coconet.Frame(np.zeros((4, 6), np.uint8), stamp, 0)])
    pairs = coconet.pair_cameras(frames, Own(stamped([0])))
    with (
        pairs,
        pytest.raises(coconet.CoconetError, match=r"visible camera \(Own\) has no time: timestamp_ns must be a whole"),
    ):
        list(pairs)


def test_times_of_numpy_are_taken() -> None:
    stamps: list[Any] = [np.uint64(5), np.uint64(45)]
    frames = [coconet.Frame(np.zeros((4, 6), np.uint8), stamp, 0) for stamp in stamps]
    with coconet.pair_cameras(Own(frames), Own(list(frames))) as pairs:
        assert [type(pair.timestamp_ns) for pair in pairs] == [int, int]


def test_pairs_until_something_else_than_an_event_are_refused() -> None:
    wrong: Any = None
    with (
        coconet.pair_cameras(Own(stamped([0])), Own(stamped([0]))) as pairs,
        pytest.raises(coconet.CoconetError, match=r"^stop must be a threading\.Event, not None"),
    ):
        pairs.until(wrong)


class Counted:
    """A live camera whose read gives this many pictures, and None from then on."""

    def __init__(self, pictures: float) -> None:
        self.left, self.rng = pictures, np.random.default_rng(1)

    def read(self) -> RawPixels | None:
        time.sleep(0.01)
        self.left -= 1
        return self.rng.integers(0, 255, (24, 32), np.uint8) if self.left >= 0 else None


@pytest.mark.parametrize("ending", ["visible", "infrared", "visible infrared"])
@pytest.mark.parametrize("pictures", [0, 4])
def test_a_live_camera_that_gives_none_is_not_read_again_and_ends_the_stream(ending: str, pictures: int) -> None:
    visible, infrared = (Counted(pictures if side in ending else np.inf) for side in ("visible", "infrared"))
    with coconet.pair_cameras(visible, infrared) as pairs:
        whole = [pair for pair in pairs if not pair.missing]
    assert len(whole) <= pictures
    assert {camera.left for camera in (visible, infrared)} - {-1} <= ({np.inf} if " " not in ending else set())


def test_pixels_alone_of_a_recording_are_refused_as_nobody_knows_their_time() -> None:
    class Stored(Own):
        def read(self) -> Any:
            return np.zeros((4, 6), np.uint8)

    with (
        coconet.pair_cameras(Stored([]), Own(stamped([0]))) as pairs,
        pytest.raises(coconet.CoconetError, match=r"visible camera \(Stored\) gave pixels without a time"),
    ):
        list(pairs)


def test_one_object_is_not_both_cameras() -> None:
    camera = Own(stamped([0]))
    with pytest.raises(coconet.CoconetError, match="^infrared is the same object as visible"):
        coconet.pair_cameras(camera, camera)


def test_frames_that_do_not_say_their_number_are_counted() -> None:
    frames = [[coconet.Frame(np.zeros((4, 6), np.uint8), at * 40) for at in range(3)] for _ in range(2)]
    with coconet.pair_cameras(Own(frames[0]), Own(frames[1])) as pairs:
        assert [pair.infrared.index for pair in pairs] == [0, 1, 2]


def test_an_async_read_is_refused_whether_it_says_so_or_not() -> None:
    class Async:
        async def read(self) -> coconet.Frame:
            return stamped([0])[0]

    with pytest.raises(coconet.CoconetError, match=r"^visible has an async read\(\)"):
        coconet.pair_cameras(Async(), Own([]))  # type: ignore[arg-type]
    hidden: Any = Own([])
    hidden.read = lambda: Async().read()
    with (
        coconet.pair_cameras(hidden, Own(stamped([0]))) as pairs,
        pytest.raises(coconet.CoconetError, match="gives a coroutine in its read"),
    ):
        list(pairs)


def test_an_object_without_a_read_is_refused() -> None:
    with pytest.raises(coconet.CoconetError, match="^infrared must have a method read, and is a value of type str"):
        coconet.pair_cameras(Own([]), "night.mp4")  # type: ignore[arg-type]


def test_a_pushed_camera_gives_what_was_pushed_and_keeps_the_newest() -> None:
    camera = coconet.PushedCamera("thermal")
    for level in range(20):
        camera.push(np.full((4, 6), level, np.uint8), level)
    frame = camera.read()
    assert frame is not None
    assert (frame.timestamp_ns, frame.index, frame.pixels.shape, frame.stamps) == (12, 12, (4, 6, 1), "driver")


def test_a_pushed_camera_that_is_told_nothing_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coconet.runtime.cameras.pushed._SILENCE_S", 0.01)
    with pytest.raises(CameraAbsent, match="thermal has given no frame"):
        coconet.PushedCamera("thermal").read()
