"""Other scenes: pairs further on in recordings, and none of what comes once."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from coconet.runtime.picking.scenes import EVERY, MOST, scenes_of
from coconet.runtime.rig.rig_file import Rig
from tests.support.media.recordings import write_folder, write_video
from tests.support.ros.bags import two_cameras, write_bag, write_mcap


def recorded(folder: Path, frames: int) -> Rig:
    """Two videos whose pictures are as bright as their number."""
    pictures = [np.full((32, 48, 3), 2 * number, np.uint8) for number in range(frames)]
    seen, thermal = write_video(folder / "visible.mp4", pictures), write_video(folder / "infrared.mp4", pictures)
    return Rig.from_addresses(str(seen), str(thermal))


def test_pairs_some_way_apart_are_taken_of_recordings(tmp_path: Path) -> None:
    scenes = scenes_of(recorded(tmp_path, EVERY * MOST + 20))
    assert [one.visible.index for one in scenes] == [EVERY * (number + 1) for number in range(MOST)]
    assert {one.infrared.pixels.shape for one in scenes} == {(32, 48, 1)}


@pytest.mark.parametrize("kind", ["folders", "file", "folder"])
def test_folders_and_bags_are_recordings_as_well(kind: str, tmp_path: Path) -> None:
    if kind == "folders":
        pictures = [np.full((32, 48, 3), number, np.uint8) for number in range(EVERY + 1)]
        rig = Rig.from_addresses(*(str(write_folder(tmp_path / name, pictures)) for name in ("visible", "infrared")))
    else:
        bag = (write_mcap if kind == "file" else write_bag)(tmp_path / "run.mcap", two_cameras(EVERY + 1))
        rig = Rig.from_addresses(f"{bag}#/camera/image_raw", f"{bag}#/thermal/image_raw")
    assert len(scenes_of(rig)) == 1


def test_a_short_recording_has_fewer_and_a_still_shorter_one_none(tmp_path: Path) -> None:
    assert len(scenes_of(recorded(tmp_path, EVERY + 1))) == 1
    (tmp_path / "short").mkdir()
    assert scenes_of(recorded(tmp_path / "short", EVERY)) == []


@pytest.mark.parametrize("visible", ["synthetic:", "rtsp://127.0.0.1:1/none", "missing.mp4"])
def test_what_comes_once_or_is_not_there_has_none(visible: str, tmp_path: Path) -> None:
    rig = recorded(tmp_path, EVERY + 1)
    assert scenes_of(Rig.from_addresses(visible, rig.infrared.address)) == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_a_pipe_is_not_read_ahead_of_the_run(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    assert scenes_of(Rig.from_addresses(str(tmp_path / "pipe.mp4"), str(tmp_path / "pipe.mp4"))) == []


def test_a_recording_that_cannot_be_read_is_left_to_the_run(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("no video")
    assert scenes_of(Rig.from_addresses(str(tmp_path / "a.mp4"), str(tmp_path / "a.mp4"))) == []
