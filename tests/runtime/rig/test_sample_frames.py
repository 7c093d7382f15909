"""What models are tried on: the same frames that the live loop gives, whatever they are named by."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from coconet.errors import CoconetError
from coconet.reading import Reading
from coconet.runtime.rig.open_rig import open_rig
from coconet.runtime.rig.rig_file import Rig
from coconet.runtime.rig.sample_frames import inputs_of, sample_frames
from coconet.writing.outputs import check_outputs
from tests.support.media.pair_folders import write_pair
from tests.support.media.recordings import flat, write_folder, write_video


@pytest.fixture
def night(tmp_path: Path) -> Path:
    """The folder of a recording, in the layout of `coconet record`: a video, counts, and a rig file beside them."""
    folder = tmp_path / "night"
    folder.mkdir()
    write_video(folder / "day.mp4", [flat(9 * index) for index in range(6)])
    ramp = np.linspace(0, 900, 24 * 32).reshape(24, 32, 1)
    write_folder(folder / "counts", [(ramp + 7000 + index).astype(np.uint16) for index in range(6)])
    (folder / "rig.toml").write_text('[visible]\naddress = "day.mp4"\n[infrared]\naddress = "counts"\nfps = 30\n')
    return folder


@pytest.mark.parametrize("named", [".", "rig.toml"])
def test_a_recording_gives_the_pairs_of_the_live_loop_by_its_folder_or_its_rig_file(night: Path, named: str) -> None:
    with open_rig(Rig.from_file(night / "rig.toml")) as stream:
        live = [pair.infrared.pixels for pair in stream]
    assert len(live) == 6
    for _ in range(2):  # models are tried one after the other
        assert all(map(np.array_equal, (pair.infrared.pixels for pair in sample_frames(night / named)), live))


@pytest.mark.parametrize("named", [".", "rig.toml"])
def test_no_output_may_be_what_a_rig_file_or_the_folder_of_a_recording_names(night: Path, named: str) -> None:
    for output in (night / "day.mp4", night / "rig.toml", next((night / "counts").iterdir())):
        with pytest.raises(CoconetError, match="write over or among the input"):
            check_outputs([output], inputs=inputs_of(night / named), overwrite=True)
    check_outputs([night / "report.json"], inputs=inputs_of(night / named))


def test_options_come_before_what_the_rig_file_says(night: Path) -> None:
    plain, inverted = (next(iter(sample_frames(night, Reading(black_hot=hot)))) for hot in (False, True))
    assert np.array_equal(inverted.infrared.pixels, 255 - plain.infrared.pixels)


def test_a_folder_of_pairs_is_one_whatever_lies_beside_them(tmp_path: Path) -> None:
    write_pair(tmp_path, "a.png", flat(3), flat(4, channels=1))
    (tmp_path / "rig.toml").write_text('[visible]\naddress = "gone"\n[infrared]\naddress = "gone"\n')
    assert [int(pair.visible.pixels.mean()) for pair in sample_frames(tmp_path)] == [3]


def test_one_video_is_sent_to_the_command_that_makes_a_rig_of_two(night: Path) -> None:
    with pytest.raises(CoconetError, match="coconet init --visible A --infrared B"):
        sample_frames(night / "day.mp4")
