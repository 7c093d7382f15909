"""Where calibration frames come from: folders and recordings, the latter as the live loop prepares them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from coconet.calibration.int8.frame_source import FolderSource, SourceChoice, check_frames
from coconet.cards.model_card import FrontEnd
from coconet.errors import CoconetError
from coconet.reading import Reading
from coconet.runtime.frame import FramePair
from coconet.runtime.rig.open_rig import open_rig
from coconet.runtime.rig.rig_file import Rig
from coconet.runtime.rig.sample_frames import RigFrames
from tests.support.media.recordings import flat, write_folder, write_video

RNG = np.random.default_rng(0)


@pytest.fixture
def counts(tmp_path: Path) -> tuple[str, str]:
    """Recordings of six pairs, the infrared ones in 16 bit and warmer with every picture."""
    visible = write_folder(tmp_path / "day", [flat(40 * index) for index in range(6)])
    raw = [RNG.integers(7000, 7000 + 400 * (index + 1), (24, 32, 1)).astype(np.uint16) for index in range(6)]
    return str(visible), str(write_folder(tmp_path / "night", raw))


def pixels(pairs: list[FramePair]) -> list[bytes]:
    return [frame.pixels.tobytes() for pair in pairs for frame in (pair.visible, pair.infrared)]


def test_recordings_give_what_the_live_loop_gives_with_its_agc(counts: tuple[str, str]) -> None:
    rig = Rig.from_addresses(*counts)
    with open_rig(rig) as stream:
        live = list(stream)
    assert live[5].infrared.pixels.dtype == np.uint8
    assert pixels(list(RigFrames(rig, step=1))) == pixels(live)
    assert pixels(list(RigFrames(rig, step=2))) == pixels(live[::2])


def test_a_recording_is_the_same_at_every_pass(counts: tuple[str, str]) -> None:
    source = SourceChoice(visible=counts[0], infrared=counts[1], step=3).open()
    assert source is not None
    assert pixels(list(source)) == pixels(list(source))
    assert len(list(source)) == 2


def test_a_rig_file_is_taken_with_its_thermal_settings(counts: tuple[str, str], tmp_path: Path) -> None:
    tables = '[visible]\naddress = "day"\n[infrared]\naddress = "night"\nblack_hot = true\n'
    (tmp_path / "rig.toml").write_text(f"realtime = true\n{tables}")
    inverted = SourceChoice(rig=tmp_path / "rig.toml", step=5).open()
    assert inverted is not None
    plain = next(iter(RigFrames(Rig.from_addresses(*counts))))
    assert np.array_equal(next(iter(inverted)).infrared.pixels, 255 - plain.infrared.pixels)


def test_of_a_video_every_tenth_frame_is_taken(tmp_path: Path) -> None:
    paths = [str(write_video(tmp_path / f"{name}.mp4", [flat(9 * i) for i in range(21)])) for name in ("vis", "ir")]
    source = SourceChoice(visible=paths[0], infrared=paths[1]).open()
    assert source is not None
    assert [pair.visible.index for pair in source] == [0, 10, 20]


def test_every_second_pair_of_a_folder(counts: tuple[str, str], tmp_path: Path) -> None:
    Path(counts[0]).rename(tmp_path / "vis")
    Path(counts[1]).rename(tmp_path / "ir")
    assert [Path(pair.visible.name).name for pair in FolderSource(tmp_path, 2)] == ["0000.png", "0002.png", "0004.png"]


def test_frames_to_compare_on_are_read_by_the_same_options_and_paired_by_their_own_names(
    counts: tuple[str, str], tmp_path: Path
) -> None:
    Path(counts[0]).rename(tmp_path / "vis")
    Path(counts[1]).rename(tmp_path / "ir")
    plain, inverted = (
        next(iter(check_frames(tmp_path, Reading(black_hot=hot, pair_by="{}_a,{}_b")))) for hot in (False, True)
    )
    assert np.array_equal(inverted.infrared.pixels, 255 - plain.infrared.pixels)


def test_nothing_named_is_no_source() -> None:
    assert SourceChoice().open() is None


def test_a_folder_without_pairs_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(CoconetError, match=str(tmp_path)):
        SourceChoice(folder=tmp_path).open()


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        (SourceChoice(visible="day"), "need both --visible and --infrared"),
        (SourceChoice(infrared="night"), "need both --visible and --infrared"),
        (SourceChoice(Path("a"), visible="day", infrared="night"), "are named more than once"),
        (SourceChoice(Path("a"), rig=Path("rig.toml")), "are named more than once"),
    ],
)
def test_more_or_less_than_one_source_is_refused(choice: SourceChoice, said: str) -> None:
    with pytest.raises(CoconetError, match=f"calibration frames {said}"):
        choice.open()


def test_a_source_says_what_its_infrared_frames_went_through(counts: tuple[str, str], tmp_path: Path) -> None:
    tables = '[visible]\naddress = "day"\n[infrared]\naddress = "night"\ncontrast = "clahe"\n'
    (tmp_path / "rig.toml").write_text(tables)
    raw = SourceChoice(rig=tmp_path / "rig.toml").open()
    shutil.copytree(counts[0], tmp_path / "seen_as_infrared")
    eight_bit = SourceChoice(visible=counts[0], infrared=str(tmp_path / "seen_as_infrared")).open()
    assert raw is not None
    assert eight_bit is not None
    assert raw.front_end() == FrontEnd(raw_counts=True, contrast="clahe", range_of="each")
    assert eight_bit.front_end() == FrontEnd()
