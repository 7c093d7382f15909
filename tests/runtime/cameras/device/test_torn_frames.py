"""Torn frames are told from whole ones, whatever the scene."""

from __future__ import annotations

import numpy as np
import pytest

from coconet.media.pixels import RawPixels
from coconet.runtime.cameras.device.pixel_layouts import FrameLayout
from coconet.runtime.cameras.device.torn_frames import TornGuard
from coconet.runtime.cameras.device.v4l2 import DeviceMode, V4l2Camera
from coconet.runtime.cameras.synthetic.camera import PaintedCamera, PaintedSettings
from tests.support.v4l2_device import give_frames

SETTINGS = PaintedSettings(fps=9, width=256, height=192, duration_s=6)


def scene() -> list[RawPixels]:
    """Counts of a thermal core that looks at a street, with the noise of a sensor."""
    camera, rng = PaintedCamera("infrared", SETTINGS), np.random.default_rng(1)
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
