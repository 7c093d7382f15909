"""Recordings as cameras."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from coconet.errors import CoconetError
from coconet.runtime.cameras.files import FolderCamera, Pace, PacedCamera, VideoCamera
from coconet.runtime.cameras.synthetic.camera import SyntheticCamera, SyntheticSettings
from coconet.runtime.frame import Frame
from tests.support.media.recordings import ListCamera, flat, stamped, write_folder, write_video


def test_a_video_camera_gives_its_frames_with_their_times_and_then_nothing(tmp_path: Path) -> None:
    camera = VideoCamera(write_video(tmp_path / "a.mp4", [flat(50), flat(150)], fps=25))
    first, second = camera.read(), camera.read()
    assert first is not None
    assert second is not None
    assert (first.timestamp_ns, second.timestamp_ns, second.index) == (0, 40_000_000, 1)
    assert (first.pixels.shape, camera.frames_expected, camera.read()) == ((24, 32, 3), 2, None)
    camera.close()
    camera.close()


def test_an_infrared_video_has_one_channel(tmp_path: Path) -> None:
    camera = VideoCamera(write_video(tmp_path / "a.mp4", [flat(180, channels=1)]), gray=True)
    frame = camera.read()
    camera.close()
    assert frame is not None
    assert frame.pixels.shape == (24, 32, 1)
    assert abs(int(frame.pixels[5, 5, 0]) - 180) <= 2


def test_a_folder_is_read_in_the_order_of_names_at_its_rate(tmp_path: Path) -> None:
    camera = FolderCamera(write_folder(tmp_path / "vis", [flat(10), flat(20), flat(30)]), fps=8)
    frames = [camera.read() for _ in range(camera.frames_expected)]
    assert camera.read() is None
    told = [(frame.name, frame.timestamp_ns, int(frame.pixels.max())) for frame in frames if frame]
    assert told == [("0000.png", 0, 10), ("0001.png", 125_000_000, 20), ("0002.png", 250_000_000, 30)]


def test_a_coloured_picture_of_an_infrared_folder_becomes_its_luma(tmp_path: Path) -> None:
    colour = np.zeros((8, 8, 3), np.uint8)
    colour[:] = (10, 100, 200)
    frame = FolderCamera(write_folder(tmp_path / "ir", [colour]), gray=True).read()
    assert frame is not None
    assert frame.pixels.shape == (8, 8, 1)
    assert frame.pixels[0, 0, 0] == round(0.114 * 10 + 0.587 * 100 + 0.299 * 200)


def test_raw_thermal_counts_of_a_folder_stay_16_bit(tmp_path: Path) -> None:
    counts = np.full((8, 8, 1), 7000, np.uint16)
    frame = FolderCamera(write_folder(tmp_path / "ir", [counts]), gray=True).read()
    assert frame is not None
    assert frame.pixels.dtype == np.uint16
    assert frame.pixels.shape == (8, 8, 1)


def test_a_visible_picture_of_16_bit_is_brought_to_8_with_65535_as_white(tmp_path: Path) -> None:
    levels = np.array([0, 128, 129, 32896, 65535], np.uint16).reshape(1, 5, 1)
    frame = FolderCamera(write_folder(tmp_path / "vis", [levels.repeat(3, axis=2)])).read()
    assert frame is not None
    assert frame.pixels[0, :, 0].tolist() == [0, 0, 1, 128, 255]


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CoconetError, match=r"has no pictures: it is empty"):
        FolderCamera(tmp_path)


def test_a_closed_folder_gives_nothing_more(tmp_path: Path) -> None:
    camera = FolderCamera(write_folder(tmp_path / "vis", [flat(1), flat(2)]))
    camera.close()
    assert camera.read() is None


def test_paced_frames_come_no_earlier_than_their_stamps() -> None:
    camera = PacedCamera(ListCamera(stamped([0, 20_000_000, 40_000_000])), Pace())
    arrivals: list[tuple[Frame, int]] = []
    while (frame := camera.read()) is not None:
        arrivals.append((frame, time.monotonic_ns()))
    assert camera.realtime
    assert all(arrived >= frame.timestamp_ns for frame, arrived in arrivals)
    stamps = [frame.timestamp_ns - arrivals[0][0].timestamp_ns for frame, _ in arrivals]
    assert stamps == [0, 20_000_000, 40_000_000]


def test_cameras_of_one_pace_share_their_zero() -> None:
    pace = Pace()
    first, second = (PacedCamera(ListCamera(stamped([5_000_000])), pace) for _ in range(2))
    frames = first.read(), second.read()
    assert frames[0] is not None
    assert frames[1] is not None
    assert frames[0].timestamp_ns == frames[1].timestamp_ns


def test_synthetic_frames_that_are_overdue_do_not_come_later() -> None:
    camera = PacedCamera(SyntheticCamera("visible", SyntheticSettings(fps=1000, width=32, height=32)), Pace())
    first = camera.read()
    time.sleep(0.5)  # nobody reads
    asked_ns = time.monotonic_ns()
    second = camera.read()
    assert first is not None
    assert second is not None
    assert first.index == 0
    assert second.timestamp_ns >= asked_ns - 250_000_000


def test_a_recording_that_cannot_keep_its_pace_says_so_once(capsys: pytest.CaptureFixture[str]) -> None:
    in_time, late = (PacedCamera(ListCamera(stamped([0, 1, 2])), Pace(begun_ns)) for begun_ns in (0, 5 * 10**9))
    for camera in (in_time, late):
        while camera.read() is not None:
            pass
    assert capsys.readouterr().err.count("later than it plays") == 1


def test_closing_a_paced_camera_closes_its_recording() -> None:
    recording = ListCamera([])
    PacedCamera(recording, Pace()).close()
    assert recording.closed


def test_a_folder_that_lost_the_metadata_of_its_bag_is_answered_with_the_bag_in_it(tmp_path: Path) -> None:
    (tmp_path / "night_0.db3").touch()
    with pytest.raises(CoconetError, match=r"holds only other files \(\.db3\)") as caught:
        FolderCamera(tmp_path)
    assert caught.value.remedy.startswith(f"Name the bag in it: {tmp_path / 'night_0.db3'}.")
