"""Rates said on the command line: one of both sides, or one of each, for what has no rate of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from coconet.errors import Refused
from coconet.media.video import VideoReader
from coconet.runtime.commands.record import record
from coconet.runtime.commands.run import run
from coconet.runtime.rig.naming.rates import rated_by
from coconet.runtime.rig.rig_file import Rig
from tests.support.media.pair_folders import write_pair
from tests.support.media.recordings import flat
from tests.support.programs.called import call

SYNTHETIC = "synthetic://?width=64&height=48&fps=50&duration_s=0.2"


@pytest.fixture
def pictures(tmp_path: Path) -> tuple[str, str]:
    for number in range(6):
        write_pair(tmp_path, f"{number}.png", flat(10 * number, 64, 48), flat(100, 64, 48, 1))
    return str(tmp_path / "vis"), str(tmp_path / "ir")


def rates(visible: str, infrared: str, text: str | None) -> tuple[float | None, float | None]:
    rig = rated_by(Rig.from_addresses(visible, infrared), text)
    return rig.visible.fps, rig.infrared.fps


@pytest.mark.parametrize(("text", "said"), [(None, (None, None)), ("12.5", (12.5, 12.5)), ("30,9", (30, 9))])
def test_devices_are_asked_for_what_was_said(text: str | None, said: tuple[float | None, float | None]) -> None:
    assert rates("0", "/dev/thermal", text) == said


def test_one_number_is_of_the_side_that_takes_one(pictures: tuple[str, str]) -> None:
    assert rates(pictures[0], SYNTHETIC, "30") == (30, None)
    assert rates("rtsp://cam/1", "0", "9") == (None, 9)


@pytest.mark.parametrize(
    ("infrared", "text", "told"),
    [
        ("day.mp4", "30", r"not apply to rtsp://cam/1 and day\.mp4, which have rates of their own\. Leave it out\."),
        (
            "/dev/video0",
            "30,9",
            "not apply to rtsp://cam/1, which has a rate of its own.* one number for the other side alone",
        ),
        ("/dev/video0", "fast", "--fps must be a rate such as 30, or one for each side, such as 30,9, not 'fast'"),
        ("/dev/video0", "1,2,3", "not '1,2,3'"),
        ("/dev/video0", "0", r"infrared\.fps must be 0\.001 or more, not 0"),
        ("/dev/video0", "nan", r"infrared\.fps must be"),
    ],
)
def test_what_would_not_be_obeyed_is_refused(infrared: str, text: str, told: str) -> None:
    with pytest.raises(Refused, match=told):
        rates("rtsp://cam/1", infrared, text)


def test_the_pictures_of_folders_become_a_video_of_that_rate(tmp_path: Path, pictures: tuple[str, str]) -> None:
    ended = call(run, *pictures, "average", "--fps", "5", "--out", tmp_path / "fused.mp4")
    assert ended.exit_code == 0, ended.exception
    with VideoReader(tmp_path / "fused.mp4") as video:
        stamps = [frame.timestamp_ns / 1e9 for frame in video]
    assert stamps == pytest.approx([0.2 * number for number in range(6)], abs=0.002)


def test_a_recording_of_folders_keeps_the_rates(tmp_path: Path, pictures: tuple[str, str]) -> None:
    ended = call(record, *pictures, "--fps", "10,5", "--out", tmp_path / "night")
    assert ended.exit_code == 0, ended.exception
    rig = Rig.from_file(tmp_path / "night" / "rig.toml")
    for table, period_s in ((rig.visible, 0.1), (rig.infrared, 0.2)):
        with VideoReader(Path(table.address)) as video:
            times = [frame.timestamp_ns / 1e9 for frame in video]
        assert times[1] - times[0] == pytest.approx(period_s, abs=0.002)
