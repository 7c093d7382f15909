"""Cameras that show heat in colours: whatever they are, their palette is found and turned back the same way."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from coconet.media.palettes.palette import palette_colours
from coconet.media.pixels import Pixels, nearest_luma
from coconet.runtime.cameras.camera import Camera
from coconet.runtime.cameras.open_camera import CameraSettings, open_camera
from tests.support.cameras.gstreamer import gstreamer_missing
from tests.support.cameras.v4l2_device import give_frames
from tests.support.media.raw_video import VideoForm, write_raw_video

MISSING = gstreamer_missing()
LEVELS = np.add.outer(np.arange(48), 3 * np.arange(64)).astype(np.uint8)
COLOURED: Pixels = palette_colours("ironbow").astype(np.uint8)[LEVELS]


def opened(kind: str, pictures: list[Pixels], palette: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Camera:
    settings = CameraSettings(palette=palette)
    if kind == "device":
        give_frames(monkeypatch, pictures)
        return open_camera("/dev/video9", "infrared", settings)
    if kind == "file":
        path = write_raw_video(tmp_path / "a.mkv", pictures, VideoForm("ffv1", "bgr0", "bgr24"))
        return open_camera(str(path), "infrared", settings)
    if MISSING:
        pytest.skip(MISSING)
    (tmp_path / "a.raw").write_bytes(b"".join(picture.tobytes() for picture in pictures))
    parse = "rawvideoparse format=bgr width=64 height=48"
    return open_camera(f"gst://filesrc location={tmp_path / 'a.raw'} ! {parse}", "infrared", settings)


@pytest.mark.parametrize("kind", ["device", "file", "pipeline"])
@pytest.mark.parametrize(("palette", "used"), [("auto", "ironbow"), ("ironbow", "ironbow"), ("luma", "")])
def test_a_coloured_camera_gives_gray(
    kind: str, palette: str, used: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(opened(kind, [COLOURED] * 2, palette, tmp_path, monkeypatch)) as camera:
        frame = camera.read()
    assert frame is not None
    expected = LEVELS if used else nearest_luma(COLOURED)
    assert frame.pixels.shape == (48, 64, 1)
    assert np.abs(frame.pixels[:, :, 0].astype(int) - expected).max() <= 2
    assert frame.palette == used


@pytest.mark.parametrize("kind", ["device", "file", "pipeline"])
def test_a_gray_camera_that_sends_three_channels_keeps_its_levels(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = np.repeat(LEVELS[:, :, None], 3, axis=2)
    with closing(opened(kind, [picture], "auto", tmp_path, monkeypatch)) as camera:
        frame = camera.read()
    assert frame is not None
    assert np.abs(frame.pixels[:, :, 0].astype(int) - LEVELS).max() <= 1
    assert frame.palette == ""
