"""The doctor tries the cameras of a rig."""

from __future__ import annotations

from pathlib import Path

from coconet.runtime.doctor.finding import Finding
from coconet.runtime.doctor.rig import rig_findings
from coconet.runtime.rig.rig_file import Rig
from tests.support.media.recordings import write_stamped_video


def found(visible: Path | str, infrared: Path | str) -> list[Finding]:
    return list(rig_findings(Rig.from_addresses(visible, infrared)))


def test_a_rig_that_works_is_told_by_size_rate_codec_and_clock(tmp_path: Path) -> None:
    for name, fps, size in (("day.mp4", 25, (64, 48)), ("night.mkv", 9, (32, 24))):
        write_stamped_video(tmp_path / name, [index / fps for index in range(2 * fps)], size)
    visible, infrared, alignment, rates = found(tmp_path / "day.mp4", tmp_path / "night.mkv")
    assert {finding.state for finding in (visible, infrared)} == {"ok"}
    assert visible.found == "64x48, 25 fps, 8 bit colour, mpeg4, clock: recording"
    assert "scaled by 2" in alignment.found
    assert rates.subject == "rates"


def test_an_address_that_does_not_answer_is_red_and_the_other_one_is_tried_all_the_same(tmp_path: Path) -> None:
    write_stamped_video(tmp_path / "day.mp4", [index / 25 for index in range(30)])
    visible, infrared = found("rtsp://me:secret@127.0.0.1:9/main", tmp_path / "day.mp4")
    assert (visible.state, infrared.state) == ("bad", "ok")
    assert visible.found.startswith("gives no video: ")
    assert "secret" not in visible.subject + visible.found + visible.remedy


def test_a_variable_that_is_not_set_is_named_beside_the_camera_that_needs_it(tmp_path: Path) -> None:
    visible, _ = found("rtsp://me:${COCONET_NOT_SET}@127.0.0.1/main", tmp_path / "night.mkv")
    assert visible.found.startswith("environment variable COCONET_NOT_SET is not set")
