"""Pairs out of two cameras."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from coconet.cards.model_card import FrontEnd
from coconet.errors import CoconetError
from coconet.media.thermal_settings import ThermalSettings
from coconet.runtime.cameras.files import Pace, PacedCamera, VideoCamera
from coconet.runtime.cameras.open_camera import ROLES
from coconet.runtime.cameras.synthetic.camera import SyntheticCamera, SyntheticSettings
from coconet.runtime.frame import Frame, FramePair
from coconet.runtime.pairing.live_pairs import pair_live_cameras
from coconet.runtime.pairing.pair_stream import pair_recordings
from coconet.runtime.pairing.paired_captures import PairedCaptures, Pairing
from coconet.runtime.pairing.stream_counts import CameraCount, Unpaired
from coconet.runtime.preprocess.agc import ThermalStretch
from coconet.runtime.preprocess.preprocess import Preparation
from tests.support.media.recordings import ListCamera, flat, stamped, write_video
from tests.support.programs.left_threads import no_thread_left

MS = 10**6


@pytest.fixture(autouse=True)
def _no_thread_is_left_behind() -> Iterator[None]:
    with no_thread_left():
        yield


def two_videos(folder: Path, frames: int) -> tuple[VideoCamera, VideoCamera]:
    paths = (write_video(folder / f"{name}.mp4", [flat(9)] * frames) for name in ("visible", "infrared"))
    visible, infrared = paths
    return VideoCamera(visible), VideoCamera(infrared, gray=True)


def test_two_videos_of_one_rate_give_every_pair_in_order(tmp_path: Path) -> None:
    with pair_recordings(*two_videos(tmp_path, 40)) as stream:
        pairs = [(pair.visible.index, pair.infrared.index, pair.skew_ns) for pair in stream]
    assert pairs == [(index, index, 0) for index in range(40)]
    assert stream.counts.visible == stream.counts.infrared == CameraCount(40, 40, decoded_by="software")
    assert (stream.frames_expected, stream.realtime) == (40, False)


def test_of_unlike_rates_the_slower_camera_sets_the_pace() -> None:
    visible = SyntheticCamera("visible", SyntheticSettings(fps=30, width=32, height=32, duration_s=2))
    infrared = SyntheticCamera("infrared", SyntheticSettings(fps=9, width=32, height=32, duration_s=2, jitter_ms=4))
    with pair_recordings(visible, infrared) as stream:
        skews = [abs(pair.skew_ns) for pair in stream]
    assert len(skews) == 18
    assert max(skews) <= 17 * MS
    assert stream.counts.infrared == CameraCount(read=18, paired=18, dropped=0)
    assert stream.counts.visible.read == stream.counts.visible.paired + stream.counts.visible.dropped


def test_a_consumer_that_stops_early_finds_every_frame_accounted_for(tmp_path: Path) -> None:
    with pair_recordings(*two_videos(tmp_path, 40)) as stream:
        for pair in stream:
            if pair.visible.index == 4:
                break
    counts = stream.counts
    assert counts.visible.paired == counts.infrared.paired == 5
    for side in (counts.visible, counts.infrared):
        assert side.read == side.paired + side.left_over
        assert (side.dropped, side.unpaired) == (0, Unpaired())
    assert counts.trouble == counts.remedy == ""


def test_reading_that_is_stopped_ends_the_pairs_and_says_nothing_of_the_recordings(tmp_path: Path) -> None:
    visible, infrared = two_videos(tmp_path, 40)
    captures = PairedCaptures(visible, infrared)
    with captures:
        captures.take("infrared")
        captures.end_within(5)
        assert captures.take("visible") is None
    assert captures.unfinished == {"visible", "infrared"}
    assert captures.counts.visible.unpaired.lost == captures.counts.infrared.unpaired.lost == 0
    assert captures.counts.infrared.left_over == captures.counts.infrared.read >= 1


def test_a_consumer_that_fails_leaves_both_cameras_closed() -> None:
    cameras = ListCamera(stamped(range(1, 100))), ListCamera(stamped(range(1, 100)))
    stream = pair_recordings(*cameras)
    with pytest.raises(ZeroDivisionError), stream:
        [1 // pair.skew_ns for pair in stream]
    assert all(camera.closed for camera in cameras)


def test_an_error_of_a_camera_reaches_the_consumer() -> None:
    def broken() -> Iterator[Frame]:
        yield from stamped([0, 33 * MS, 66 * MS])
        raise CoconetError(
            "camera",
            wanted="a picture",
            got="a broken cable",
            remedy="Plug it in.",
            says="gives no picture: a broken cable",
        )

    infrared = ListCamera(stamped([index * 33 * MS for index in range(9)]))
    pairs: list[FramePair] = []
    with pytest.raises(CoconetError, match="broken cable"), pair_recordings(ListCamera(broken()), infrared) as stream:
        pairs.extend(stream)
    assert len(pairs) == 3


def test_an_offset_is_added_to_the_stamps_of_its_side() -> None:
    visible, infrared = ListCamera(stamped([0, 100, 200])), ListCamera(stamped([40, 140, 240]))
    with pair_recordings(visible, infrared, Pairing(infrared_offset_ns=-40)) as stream:
        assert [pair.skew_ns for pair in stream] == [0, 0, 0]


def test_frames_farther_apart_than_the_tolerance_are_dropped() -> None:
    visible, infrared = ListCamera(stamped([0, 100, 200])), ListCamera(stamped([20, 104, 220]))
    with pair_recordings(visible, infrared, Pairing(tolerance_ns=5)) as stream:
        assert [pair.infrared.timestamp_ns for pair in stream] == [104]
    assert stream.counts.infrared == CameraCount(3, 1, 2, Unpaired(too_far=1, after_end=1))


def test_every_pair_is_prepared_as_the_preparation_is_then() -> None:
    preparation = Preparation(ThermalStretch(ThermalSettings()), None, ("visible", "infrared"))
    visible, infrared = (
        ListCamera([Frame(flat(40, channels=1), index, index) for index in range(2)]) for _ in range(2)
    )
    with pair_recordings(visible, infrared, preparation=preparation) as stream:
        assert stream.preparation is preparation
        assert stream.front_end() is None
        pairs = iter(stream)
        first = next(pairs)
        assert stream.front_end() == FrontEnd(raw_counts=False)
        preparation.change(ThermalStretch(ThermalSettings(black_hot=True)))
        second = next(pairs)
    assert [int(pair.infrared.pixels[0, 0, 0]) for pair in (first, second)] == [40, 215]


def test_without_a_preparation_pairs_stay_as_the_cameras_gave_them() -> None:
    frame = Frame(np.full((4, 4, 1), 40_000, np.uint16), 0, 0)
    with pair_recordings(ListCamera([frame]), ListCamera([frame])) as stream:
        assert [pair.infrared.pixels.max() for pair in stream] == [40_000]
        assert (stream.preparation, stream.front_end(), stream.drift_px()) == (None, None, None)


def test_of_live_cameras_a_slow_consumer_gets_the_newest_pair() -> None:
    visible, infrared = (ListCamera(stamped(range(0, 100_000, 100)), realtime=True) for _ in range(2))
    with pair_live_cameras(visible, infrared) as stream:
        for thread in threading.enumerate():
            if thread.name.startswith("capture"):
                thread.join()
        pairs = [pair.visible.timestamp_ns for pair in stream]
    assert pairs == [99_900]
    assert stream.counts.visible == CameraCount(1000, 1, 999, Unpaired(late=999))
    assert stream.frames_expected is None


def test_replay_at_its_own_pace_pairs_like_a_live_rig() -> None:
    pace = Pace()
    settings = SyntheticSettings(fps=100, width=32, height=32, duration_s=0.1, noise=0)
    visible, infrared = (PacedCamera(SyntheticCamera(role, settings), pace) for role in ROLES)
    with pair_live_cameras(visible, infrared) as stream:
        skews = [pair.skew_ns for pair in stream]
    assert stream.realtime
    assert 1 <= len(skews) <= 10
    assert set(skews) == {0}


def test_a_live_camera_beside_a_recording_is_refused() -> None:
    live, recording = ListCamera([], realtime=True, name="front"), ListCamera([], name="clip.mp4")
    with pytest.raises(CoconetError, match=r"front is live, and clip\.mp4 is a recording\. .* set realtime = true"):
        pair_recordings(live, recording)


def test_pairs_are_only_given_inside_the_block() -> None:
    stream = pair_recordings(ListCamera([]), ListCamera([]))
    with pytest.raises(CoconetError, match="pairs are closed, or not entered yet"):
        iter(stream)
    with stream:
        assert list(stream) == []
    with pytest.raises(CoconetError, match="Iterate inside the with block"):
        iter(stream)
    with pytest.raises(CoconetError, match="can be entered only once"), stream:
        pass


def test_the_length_is_unknown_where_a_camera_does_not_know_its_own() -> None:
    assert pair_recordings(ListCamera([]), ListCamera([])).frames_expected is None


@pytest.mark.data
def test_a_real_pair_of_videos_comes_out_whole(data: Path) -> None:
    visible = VideoCamera(data / "video" / "0117_1605_vis.mp4")
    infrared = VideoCamera(data / "video" / "0117_1605_ir.mp4", gray=True)
    with pair_recordings(visible, infrared) as stream:
        assert [pair.visible.index for pair in stream] == list(range(407))
    assert stream.counts.infrared == CameraCount(407, 407, decoded_by="software")
