"""Torn frames are told from whole ones, whatever the scene."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from coconet.errors import CoconetError
from coconet.media.pixels import RawPixels
from coconet.runtime.cameras.device.pixel_layouts import LAYOUTS, FrameLayout
from coconet.runtime.cameras.device.torn_frames import TornGuard
from coconet.runtime.cameras.device.v4l2 import DeviceMode, V4l2Camera
from coconet.runtime.cameras.synthetic.camera import SyntheticCamera, SyntheticSettings
from coconet.runtime.rig.recorder import Recorder
from tests.support.cameras.v4l2_device import give_frames
from tests.support.rigs.live_rig import until

SETTINGS = SyntheticSettings(fps=9, width=256, height=192, duration_s=6)


def scene() -> list[RawPixels]:
    """Counts of a thermal core that looks at a street, with the noise of a sensor."""
    camera, rng = SyntheticCamera("infrared", SETTINGS), np.random.default_rng(1)
    frames = list(iter(camera.read, None))
    sky = np.linspace(0, 3000, 192)[:, None, None]  # the ground is warmer than the sky
    return [
        (7000 + sky + 8.0 * frame.pixels + rng.normal(0, 4, frame.pixels.shape)).astype(np.uint16) for frame in frames
    ]


FRAMES = scene()


@pytest.mark.parametrize("rows", [3, 17, 96, 150, 189])
def test_a_frame_whose_rows_are_rolled_is_torn(rows: int) -> None:
    guard = TornGuard()
    found = [
        guard.torn(np.roll(frame, rows, axis=0) if index % 4 == 3 else frame) for index, frame in enumerate(FRAMES)
    ]
    assert found == [index % 4 == 3 for index in range(len(FRAMES))]


def sent(name: str, picture: RawPixels, index: int) -> RawPixels:
    """The buffer that a camera of this layout sends: its picture between another picture or telemetry."""
    layout = LAYOUTS[name]
    rng = np.random.default_rng(5)
    buffer = rng.integers(0x8000, 0x8100, (layout.height, layout.width), np.uint16)
    buffer[-1, :4] = index  # a counter
    rows = layout.height - layout.first_row if layout.rows is None else layout.rows
    buffer[layout.first_row : layout.first_row + rows] = cv2.resize(picture[:, :, 0], (layout.width, rows))
    return buffer.reshape(-1)


@pytest.mark.parametrize("name", ["lepton", "p2-pro", "yuyv-256x386", "lepton-telemetry", "boson-320-telemetry"])
def test_a_buffer_that_is_rolled_is_torn_whatever_lies_around_the_picture_and_in_it(name: str) -> None:
    layout, guard = LAYOUTS[name], TornGuard()
    rolls = {4: 40 * layout.width, 7: -30 * layout.width, 9: 51 * layout.width + 76}
    found = []
    for index, frame in enumerate(FRAMES[:12]):
        hot = frame.copy()
        hot[60:120, 80 : 110 + index] += 4000  # an object whose edges are stronger than the seam
        buffer = np.roll(sent(name, hot, index), rolls.get(index, 0))
        found.append(guard.torn(layout.picture(buffer), layout.samples_of(buffer)))
    assert [index for index, torn in enumerate(found) if torn] == list(rolls)


def test_a_camera_that_is_moved_or_turned_for_good_is_believed() -> None:
    wide = cv2.resize(FRAMES[0], (400, 300))[:, :, None]
    guard = TornGuard()
    walk = [(5 * step % 90, 7 * step % 110) for step in range(20)]
    assert not any(guard.torn(wide[row : row + 192, column : column + 256]) for row, column in walk)
    turned = [guard.torn(np.roll(FRAMES[1], 70, axis=0)) for _ in range(40)]
    assert not turned[-1]


def test_a_camera_that_begins_with_a_torn_frame_is_believed_once_a_whole_one_comes() -> None:
    guard = TornGuard()
    assert guard.torn(np.roll(FRAMES[0], 60, axis=0))
    assert [guard.torn(frame) for frame in FRAMES[1:6]] == [False] * 5
    assert guard.torn(np.roll(FRAMES[6], 60, axis=0))


def test_a_pan_a_step_in_the_scene_and_a_flat_picture_are_not_torn() -> None:
    guard = TornGuard()
    assert not any(guard.torn(np.roll(FRAMES[0], shift, axis=1)) for shift in range(0, 200, 20))
    horizon = FRAMES[0].copy()
    horizon[80:] += 2000
    bar = FRAMES[0].copy()
    bar[80:100] += 2000
    flat = np.full_like(horizon, 7000)
    for picture in (horizon, bar, flat, flat + 1):
        assert not guard.torn(picture)


def test_a_scene_that_always_looks_torn_is_believed_in_the_end() -> None:
    ramp = np.concatenate([np.linspace(960, 1920, 96), np.linspace(0, 950, 96)]).astype(np.uint16)
    scene_once = np.broadcast_to(ramp[:, None, None], (192, 256, 1))
    guard = TornGuard()
    found = [guard.torn(scene_once) for _ in range(40)]
    assert found == [True] * 30 + [False] * 10


def test_a_device_leaves_torn_frames_out_and_counts_them(monkeypatch: pytest.MonkeyPatch) -> None:
    rolled = (np.roll(frame, 60, axis=0) if index in (3, 4) else frame for index, frame in enumerate(FRAMES))
    give_frames(monkeypatch, rolled)
    camera = V4l2Camera("/dev/video9", DeviceMode(layout=FrameLayout("Y16 ", 256, 192)), gray=True)
    frames = [camera.read() for _ in range(6)]
    assert [frame.index for frame in frames if frame is not None] == [0, 1, 2, 5, 6, 7]
    assert camera.damaged == 2


def test_a_recording_tells_torn_frames_from_those_that_never_came(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rolled = [np.roll(frame, 60, axis=0) if index in (3, 4) else frame for index, frame in enumerate(FRAMES[:8])]
    give_frames(monkeypatch, rolled)
    torn = V4l2Camera("/dev/video9", DeviceMode(layout=FrameLayout("Y16 ", 256, 192)), gray=True)
    with (
        pytest.raises(CoconetError, match="gives no more frames"),
        Recorder(SyntheticCamera("visible", SETTINGS), torn, tmp_path / "recording") as recorder,
    ):
        until(lambda: recorder.finished)
    count = recorder.counts()["infrared"]
    assert (count.damaged, count.missing) == (2, 0)
    assert str(count) == "6 frames written, 0 dropped, 2 damaged"
