"""The first look at a camera, however long it takes to open."""

from __future__ import annotations

from dataclasses import replace
from itertools import accumulate

import pytest

from coconet.runtime.cameras.camera import Camera
from coconet.runtime.rig.camera_facts import probe_camera
from tests.support.media.recordings import ListCamera, flat, stamped


def test_a_camera_that_takes_long_to_open_is_looked_at_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now_s[0])

    def opened() -> Camera:
        now_s[0] += 30
        return ListCamera(stamped(range(0, 200_000_000, 40_000_000)))

    look = probe_camera(opened)
    assert look is not None
    assert look.fps == 25
    assert look.opened_s == 30


def test_the_rate_of_a_live_stream_is_that_of_its_settled_stamps_on_average() -> None:
    steps_ms = [27] * 12 + [20, 80] * 13
    stamps = list(accumulate((step * 1_000_000 for step in steps_ms), initial=0))
    look = probe_camera(lambda: ListCamera(stamped(stamps), realtime=True))
    assert look is not None
    assert look.fps == pytest.approx(20)


def test_frames_that_are_late_as_a_stream_is_caught_up_with_are_not_said_to_be_its_jitter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arrivals = (max(400, index * 40 + 5) * 1_000_000 for index in range(60))
    monkeypatch.setattr("time.monotonic_ns", lambda: next(arrivals))
    look = probe_camera(lambda: ListCamera(stamped(range(0, 60 * 40_000_000, 40_000_000)), realtime=True))
    assert look is not None
    assert look.jitter_ms == 0


def test_the_rate_of_a_recording_is_that_of_its_usual_step_though_frames_are_missing() -> None:
    stamps = [index * 40_000_000 for index in range(30) if index not in (3, 4, 5, 11, 20)]
    look = probe_camera(lambda: ListCamera(stamped(stamps)))
    assert look is not None
    assert look.fps == pytest.approx(25)


@pytest.mark.parametrize(
    ("palette", "told"),
    [
        ("", "8 bit gray"),
        ("ironbow", "8 bit colour, turned back from ironbow"),
        ("luma", "8 bit colour, of which the luma"),
    ],
)
def test_an_infrared_camera_in_colours_is_not_said_to_be_gray(palette: str, told: str) -> None:
    frames = [replace(one, pixels=flat(90, 4, 4, 1), palette=palette) for one in stamped(range(0, 200, 40))]
    look = probe_camera(lambda: ListCamera(frames))
    assert told in str(look)
