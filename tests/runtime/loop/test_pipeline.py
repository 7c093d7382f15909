"""The loop from pairs to a sink: order, errors, stopping, and what it reports."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event

import numpy as np
import pytest

from coconet.errors import CoconetError, ExitCode
from coconet.runtime.backends.rules.baseline import BaselineBackend
from coconet.runtime.frame import FramePair, FusedFrame
from coconet.runtime.loop.pipeline import Ending, run_pipeline
from coconet.runtime.loop.run_stats import RunStats
from coconet.runtime.pairing.camera_health import HealthLimits
from coconet.runtime.pairing.live_pairs import LivePairingOptions, pair_live_cameras
from coconet.runtime.pairing.pair_stream import pair_recordings
from coconet.runtime.sinks.open_sink import open_sink
from coconet.runtime.sinks.sink import Delivery, NoSink
from coconet.runtime.threads.background import Background
from coconet.runtime.threads.queue_thread import Bounds
from tests.support.media.frames import frames_in_video
from tests.support.programs.patience import PATIENCE_S
from tests.support.rigs.loop_ends import Recording, Shelf


def test_every_frame_is_fused_and_written_in_order() -> None:
    shelf = Shelf()
    report = run_pipeline(Recording(30), BaselineBackend(), shelf)
    assert [int(frame.pixels[0, 0, 0]) for frame in shelf.frames] == list(range(30))
    assert (report.fused, report.counts.visible.read, shelf.ends) == (30, 30, ["closed"])


def test_the_report_names_the_model_the_skew_and_a_rate() -> None:
    report = run_pipeline(Recording(3), BaselineBackend("maximum"), NoSink())
    assert (report.model, report.precision, report.backend) == ("maximum", "fp32", "numpy")
    assert report.skew_ms is not None
    assert report.latency_ms is not None
    assert report.skew_ms.p50 == pytest.approx(5.0)
    assert report.fps == pytest.approx(3 / report.seconds)
    assert 0 < report.latency_ms.p50 <= report.latency_ms.p99


class Choosing(BaselineBackend):
    """A rule that calls itself otherwise once it has seen a pair."""

    seen, overlaps = 0, False

    def let_overlap(self, allowed: bool) -> None:
        self.overlaps = allowed

    def choose(self, pair: FramePair, stop: Event | None = None) -> None:
        self.name, self.seen = f"chosen for {pair.visible.pixels.shape[1]} columns", self.seen + 1


def test_a_backend_that_chooses_sees_pairs_before_they_are_fused_and_is_reported_as_what_it_chose() -> None:
    backend, recording = Choosing(), Recording(3)
    report = run_pipeline(recording, backend, NoSink())
    assert (backend.seen, backend.overlaps) == (1, True)
    assert report.backend.startswith("chosen for ")


@pytest.mark.parametrize(("limit", "overlaps"), [(1, False), (2, True)])
def test_a_single_frame_is_fused_on_all_cores_as_there_is_none_to_overlap_with(limit: int, overlaps: bool) -> None:
    backend = Choosing()
    assert run_pipeline(Recording(3), backend, NoSink(), ending=Ending(limit)).fused == limit
    assert backend.overlaps == overlaps


def test_the_choice_of_what_runs_the_model_is_left_out_of_the_seconds_of_a_run_and_of_the_queue(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, hour_s, spent_s = time.perf_counter, 3600.0, [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: clock() + spent_s[0])

    class Slow(Choosing):
        def choose(self, pair: FramePair, stop: Event | None = None) -> None:
            super().choose(pair, stop)
            spent_s[0] += hour_s

    report = run_pipeline(Recording(9), Slow(), NoSink())
    assert report.fused == 9
    assert report.seconds < hour_s
    assert max(stage.ms.p99 for stage in report.stages) < 1e3 * hour_s


class Warm(Recording):
    """Something warm before a dark picture, all of its heat asked for, and something to notice."""

    def until(self, stop: Event) -> Iterator[FramePair]:
        for pair in super().until(stop):
            warm = replace(pair.infrared, pixels=np.full((16, 16, 1), 200, np.uint8))
            yield replace(pair, infrared=warm, heat_percent=100, notice="off by 9 px")


def test_heat_lies_under_the_badge_and_is_worked_out_once_at_the_first_look() -> None:
    shelf = Shelf()
    run_pipeline(Warm(1), BaselineBackend(), shelf)
    (frame,) = shelf.frames
    assert "pixels" not in vars(frame)  # not in the loop
    assert (frame.fused == 100).all()
    assert (frame.pixels[12:] == 200).all()
    assert (frame.pixels[:12] != 200).any()
    assert frame.pixels is frame.pixels


def test_a_limit_takes_no_pair_more() -> None:
    recording = Recording(30)
    assert run_pipeline(recording, BaselineBackend(), NoSink(), ending=Ending(limit=4)).fused == 4
    assert recording.given == 4


def test_every_frame_is_told_to_the_progress_bar() -> None:
    seen: list[int] = []
    gauge = RunStats(lambda frame: seen.append(frame.pair.visible.index))
    run_pipeline(Recording(5), BaselineBackend(), NoSink(), gauge=gauge)
    assert seen == [0, 1, 2, 3, 4]


def test_a_stop_keeps_what_was_fused(tmp_path: Path) -> None:
    ending, recording = Ending(), Recording(1000)
    gauge = RunStats(lambda frame: ending.stop.set() if frame.pair.visible.index == 5 else None)
    report = run_pipeline(recording, BaselineBackend(), open_sink(f"{tmp_path}/f.mp4"), ending=ending, gauge=gauge)
    assert (report.fused, report.interrupted) == (6, True)
    assert recording.given < 15
    assert frames_in_video(tmp_path / "f.mp4") == 6


@pytest.mark.parametrize("realtime", [True, False])
def test_a_stop_ends_a_run_that_forms_no_pair_and_leaves_no_video(tmp_path: Path, realtime: bool) -> None:
    ending, waiting, freed = Ending(), threading.Event(), threading.Event()

    class Silent:
        name, realtime = "silent", False

        def read(self) -> None:
            waiting.set()
            freed.wait()

        def close(self) -> None:
            """Nothing to release."""

    cameras = Silent(), Silent()
    for camera in cameras:
        camera.realtime = realtime
    limits = LivePairingOptions(HealthLimits(lost_s=3600))
    pairs = pair_live_cameras(*cameras, live=limits) if realtime else pair_recordings(*cameras)

    def stop_once_it_waits() -> None:
        waiting.wait()
        ending.stop.set()

    with Background(stop_once_it_waits, "stopper"), pairs:
        report = run_pipeline(pairs, BaselineBackend(), open_sink(f"{tmp_path}/f.mp4"), ending=ending)
        assert (report.fused, report.interrupted, report.counts.visible.read) == (0, True, 0)
        freed.set()
    assert list(tmp_path.iterdir()) == []


def test_a_stop_ends_the_wait_for_a_sink_without_room() -> None:
    ending, freed = Ending(), threading.Event()

    class Stuck(Shelf):
        name, delivery = "pipe", Delivery(Bounds(2), patience_s=0.05)

        def write(self, frame: FusedFrame) -> None:
            if not self.frames:
                ending.stop.set()
            super().write(frame)
            freed.wait()

    shelf = Stuck()
    with pytest.raises(CoconetError, match=r"pipe has been stuck for 0.05 s") as stuck:
        run_pipeline(Recording(1000), BaselineBackend(), shelf, ending=ending)
    assert stuck.value.exit_code == ExitCode.OUTPUT
    assert shelf.ends == []  # nothing is done to a sink while it is in use
    freed.set()


def test_an_exception_out_of_a_callback_is_an_error_like_any_other() -> None:
    class Impatient(KeyboardInterrupt):
        pass

    def refuse(frame: FusedFrame) -> None:
        raise Impatient

    shelf = Shelf()
    with pytest.raises(Impatient):
        run_pipeline(Recording(6), BaselineBackend(), shelf, gauge=RunStats(refuse))
    assert shelf.ends == ["discarded"]


def test_a_sink_that_loses_frames_has_one_thread_and_one_queue() -> None:
    names: set[str] = set()
    ending, freed = Ending(), threading.Event()

    class Network(Shelf):
        name, delivery = "udp://there", Delivery(Bounds(2, "drop newest"), PATIENCE_S)

        def write(self, frame: FusedFrame) -> None:
            names.update(thread.name for thread in threading.enumerate())
            freed.wait()
            super().write(frame)

    shelf = Network()
    gauge = RunStats(lambda frame: freed.set() if frame.pair.visible.index == 29 else None)
    report = run_pipeline(Recording(30), BaselineBackend(), shelf, ending=ending, gauge=gauge)
    assert report.fused == 30
    assert len(shelf.frames) <= 4  # the one being sent, and those that had room
    assert {name for name in names if name in ("sink", "recorder")} == {"sink"}


def test_an_error_of_a_camera_in_mid_stream_leaves_an_unfinished_video(tmp_path: Path) -> None:
    broken = CoconetError(
        "visible camera",
        wanted="a frame",
        got="a loose cable",
        remedy="Plug it in.",
        says="gives no frame: a loose cable",
    )
    with pytest.raises(CoconetError, match="loose cable"):
        run_pipeline(Recording(6, broken), BaselineBackend(), open_sink(f"{tmp_path}/fused.mp4"))
    assert [path.name for path in tmp_path.iterdir()] == ["fused.mp4.unfinished"]


@pytest.mark.parametrize("fails_at", [0, 5, 29])
def test_an_error_of_the_sink_surfaces_and_discards(fails_at: int) -> None:
    shelf = Shelf(fails_at)
    with pytest.raises(CoconetError, match="Tidy up"):
        run_pipeline(Recording(30), BaselineBackend(), shelf)
    assert shelf.ends == ["discarded"]


def test_no_pair_at_all_is_an_error_and_leaves_no_video(tmp_path: Path) -> None:
    with pytest.raises(CoconetError, match="out of 0 visible and 0 infrared frames. Look at both"):
        run_pipeline(Recording(0), BaselineBackend(), open_sink(f"{tmp_path}/fused.mp4"))
    assert list(tmp_path.iterdir()) == []


def test_the_next_frame_is_fused_while_one_is_still_being_written() -> None:
    second_fused = threading.Event()

    class Slow(Shelf):
        def write(self, frame: FusedFrame) -> None:
            assert second_fused.wait(PATIENCE_S)
            super().write(frame)

    def note(frame: FusedFrame) -> None:
        if frame.pair.visible.index == 1:
            second_fused.set()

    shelf = Slow()
    run_pipeline(Recording(3), BaselineBackend(), shelf, gauge=RunStats(note))
    assert len(shelf.frames) == 3


def test_no_thread_is_left_behind() -> None:
    with pytest.raises(CoconetError):
        run_pipeline(Recording(30), BaselineBackend(), Shelf(fails_at=2))
    assert [thread.name for thread in threading.enumerate() if thread.name == "sink"] == []


class Slow(BaselineBackend):
    """A backend that lets many pairs come before it has fused its first."""

    def __init__(self, given: threading.Event) -> None:
        super().__init__()
        self._given = given

    def fuse(self, visible: np.ndarray, infrared: np.ndarray) -> np.ndarray:
        assert self._given.wait(PATIENCE_S)
        return super().fuse(visible, infrared)


@pytest.mark.parametrize("realtime", [True, False])
def test_live_pairs_give_way_to_newer_ones_and_recorded_ones_never(realtime: bool) -> None:
    given = threading.Event()

    class Live(Recording):
        def until(self, stop: threading.Event) -> Iterator[FramePair]:
            for pair in super().until(stop):
                given.set() if not realtime or self.given == 30 else None
                yield pair

    recording = Live(30)
    recording.realtime = realtime
    shelf = Shelf()
    report = run_pipeline(recording, Slow(given), shelf)
    assert report.fused + report.superseded == 30
    assert (report.superseded > 20) == realtime
    assert shelf.frames[-1].pair.visible.index == 29


@pytest.mark.parametrize("realtime", [True, False])
def test_pairs_that_a_stop_leaves_over_have_not_given_way(realtime: bool) -> None:
    ending, ahead = Ending(), threading.Event()

    class Ready(Recording):
        """One pair to fuse, and one that waits when the run is stopped."""

        def until(self, stop: threading.Event) -> Iterator[FramePair]:
            pairs = super().until(stop)
            yield next(pairs)
            begun.wait()
            yield next(pairs)
            ahead.set()

    def stop_once_a_pair_waits(frame: FusedFrame) -> None:
        begun.set()
        assert ahead.wait(PATIENCE_S)
        ending.stop.set()

    begun, recording = threading.Event(), Ready(2)
    recording.realtime = realtime
    report = run_pipeline(recording, BaselineBackend(), NoSink(), ending=ending, gauge=RunStats(stop_once_a_pair_waits))
    assert (report.fused, report.superseded, report.left_over, report.interrupted) == (1, 0, 1, True)
    assert "1 pair left over" in dict(report.facts())["fused"]
