"""Cameras read in threads."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator
from threading import Event

import pytest

from coconet.errors import CoconetError
from coconet.runtime.frame import Frame
from coconet.runtime.pairing.camera_health import HealthWatch
from coconet.runtime.pairing.capture import Capture, CaptureOptions
from tests.support.media.recordings import ListCamera, stamped
from tests.support.programs.left_threads import no_thread_left
from tests.support.programs.patience import PATIENCE_S


def taken(capture: Capture) -> list[int]:
    frames: list[int] = []
    while (frame := capture.take()) is not None:
        frames.append(frame.index)
    return frames


def test_no_frame_of_a_recording_is_lost_however_small_the_buffer() -> None:
    with Capture(ListCamera(stamped(range(1, 101))), depth=1) as capture:
        assert taken(capture) == list(range(100))
    assert (capture.read, capture.dropped) == (100, 0)


def test_of_a_live_camera_the_newest_frames_are_kept_and_the_others_counted() -> None:
    capture = Capture(ListCamera(stamped(range(1, 11)), realtime=True), depth=3)
    capture.start()
    wait_for_end(capture)
    assert taken(capture) == [7, 8, 9]
    capture.stop()
    assert (capture.read, capture.dropped) == (10, 7)


def wait_for_end(capture: Capture) -> None:
    for thread in threading.enumerate():
        if thread.name.startswith("capture"):
            thread.join()
    assert capture.ready


def failing(frames: list[Frame]) -> Iterator[Frame]:
    yield from frames
    raise CoconetError(
        "camera",
        wanted="a picture",
        got="a broken cable",
        remedy="Plug it in.",
        says="gives no picture: a broken cable",
    )


def test_an_error_of_the_camera_comes_after_the_frames_before_it() -> None:
    with Capture(ListCamera(failing(stamped([1, 2]))), depth=8) as capture:
        first, second = capture.take(), capture.take()
        assert first is not None
        assert second is not None
        with pytest.raises(CoconetError, match="a broken cable"):
            capture.take()


def test_stopping_leaves_no_thread_even_where_the_buffer_is_full() -> None:
    with no_thread_left(), Capture(ListCamera(stamped(range(1, 1000))), depth=2) as capture:
        capture.take()
    assert (capture.dropped, capture.waiting) == (0, 0)


def test_stopping_ends_the_wait_of_a_reader() -> None:
    reading, release = Event(), Event()

    def slow() -> Iterator[Frame]:
        reading.set()
        assert release.wait(PATIENCE_S)
        yield from stamped([1])

    with Capture(ListCamera(slow(), realtime=True), depth=2) as capture:
        assert reading.wait(PATIENCE_S)
        release.set()
    assert capture.take() is None


def test_a_picture_of_a_live_camera_that_cannot_be_read_is_left_out_counted_and_named() -> None:
    gone = CoconetError("1.png", wanted="a picture", got="no such file", remedy="Put it back.", says="does not exist")
    frames = [
        dataclasses.replace(frame, misfit=gone, name="1.png") if frame.index == 1 else frame
        for frame in stamped([1, 2, 3])
    ]
    capture = Capture(ListCamera(frames, realtime=True), depth=8, care=CaptureOptions(HealthWatch("list")))
    with capture:
        assert taken(capture) == [0, 2]
    assert (capture.read, capture.damaged) == (2, 1)
    assert capture.unreadable == (f"1.png: {gone}",)
