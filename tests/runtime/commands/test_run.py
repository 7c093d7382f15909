"""coconet run: from two recordings on disk to a fused one, and what it says of bad input."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from coconet.errors import CoconetError, ExitCode
from coconet.media.encoding.video_writer import VideoWriter
from coconet.media.image import read_picture
from coconet.media.video import VideoReader
from coconet.runtime.commands.run import run
from tests.support.media.frames import frames_in_video
from tests.support.media.pair_folders import write_pair
from tests.support.media.recordings import flat, write_stamped_video
from tests.support.models.tiny_onnx import write_averaging_model

APP = typer.Typer(pretty_exceptions_enable=False)
APP.command()(run)


def coconet_run(*words: object) -> str:
    return CliRunner().invoke(APP, [str(word) for word in words], catch_exceptions=False).stdout


@pytest.fixture
def cameras(tmp_path: Path) -> list[str]:
    """Two folders of six pictures: visible brightness 10 n, infrared 100."""
    for number in range(6):
        write_pair(tmp_path, f"scene_{number}.png", flat(10 * number, 24, 16), flat(100, 24, 16, 1))
    return ["--visible", str(tmp_path / "vis"), "--infrared", str(tmp_path / "ir")]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_averaging_model(tmp_path / "tiny.onnx")


def test_two_folders_become_one_with_the_same_names(tmp_path: Path, cameras: list[str], model: Path) -> None:
    coconet_run(*cameras, "--model", model, "--out", f"{tmp_path}/fused/")
    assert [path.name for path in sorted((tmp_path / "fused").iterdir())] == [f"scene_{n}.png" for n in range(6)]
    assert np.array_equal(np.unique(read_picture(tmp_path / "fused" / "scene_4.png")), [70])


def test_a_video_has_as_many_frames_as_the_cameras(tmp_path: Path, cameras: list[str], model: Path) -> None:
    coconet_run(*cameras, "--model", model, "--out", tmp_path / "fused.mp4")
    assert frames_in_video(tmp_path / "fused.mp4") == 6


@pytest.mark.parametrize(("heat", "level"), [(0, 40), (25, 55), (50, 70), (75, 85), (100, 100)])
def test_heat_goes_from_the_visible_level_to_the_infrared_one(
    heat: float, level: int, tmp_path: Path, cameras: list[str], model: Path
) -> None:
    coconet_run(*cameras, "--model", model, "--heat", heat, "--out", f"{tmp_path}/fused/")
    assert np.array_equal(np.unique(read_picture(tmp_path / "fused" / "scene_4.png")), [level])


def test_a_heat_beyond_100_is_refused_before_anything_is_opened(tmp_path: Path) -> None:
    ended = CliRunner().invoke(APP, ["missing.mp4", "gone.mp4", "--heat", "101", "--out", f"{tmp_path}/fused/"])
    assert ended.exit_code == 2
    assert not list(tmp_path.iterdir())


def test_the_report_is_printed_and_written(tmp_path: Path, cameras: list[str], model: Path) -> None:
    printed = coconet_run(*cameras, "--model", model, "--json", tmp_path / "report.json")
    assert "6 frames read, 6 paired, 0 dropped" in printed
    told = json.loads((tmp_path / "report.json").read_text())
    assert (told["fused"], told["model"], told["counts"]["visible"]["paired"]) == (6, "tiny", 6)


def test_a_limit_ends_early_and_loses_nothing(tmp_path: Path, cameras: list[str]) -> None:
    coconet_run(*cameras, "--model", "average", "--frames", 2, "--json", tmp_path / "report.json")
    told = json.loads((tmp_path / "report.json").read_text())
    assert told["fused"] == 2
    assert [(side["paired"], side["dropped"]) for side in told["counts"].values()] == [(2, 0), (2, 0)]


def test_what_the_longer_recording_has_left_counts_as_dropped(tmp_path: Path) -> None:
    short, long = (f"synthetic://?width=64&height=48&fps=20&duration_s={seconds}" for seconds in (0.2, 0.4))
    words = ["--visible", long, "--infrared", short, "--model", "average", "--json", str(tmp_path / "report.json")]
    ended = CliRunner().invoke(APP, words)
    assert ended.exit_code == ExitCode.UNPAIRED
    assert "The infrared recording ends first" in ended.stderr
    visible = json.loads((tmp_path / "report.json").read_text())["counts"]["visible"]
    assert visible["paired"] == 4
    assert visible["dropped"] == visible["read"] - 4


def test_a_rig_file_stands_for_both_cameras(tmp_path: Path, cameras: list[str]) -> None:
    (tmp_path / "rig.toml").write_text('[visible]\naddress = "vis"\n[infrared]\naddress = "ir"\n')
    assert "6 frames in" in coconet_run(tmp_path / "rig.toml", "--model", "maximum")


@pytest.mark.parametrize("words", [[], ["--visible", "a"], ["rig.toml", "--infrared", "b"]])
def test_half_a_rig_is_refused(words: list[str]) -> None:
    with pytest.raises(CoconetError, match="cameras (are not named|are not clear|are named both)"):
        coconet_run(*words)


def test_a_missing_model_leaves_no_report(tmp_path: Path, cameras: list[str]) -> None:
    with pytest.raises(CoconetError, match=r"gone\.onnx"):
        coconet_run(*cameras, "--model", tmp_path / "gone.onnx", "--json", tmp_path / "report.json")
    assert not list(tmp_path.glob("*report*"))


def test_a_report_into_a_missing_folder_is_refused_before_the_run(tmp_path: Path, cameras: list[str]) -> None:
    with pytest.raises(CoconetError, match="Create the folder first"):
        coconet_run(*cameras, "--model", "average", "--out", f"{tmp_path}/f.mp4", "--json", f"{tmp_path}/no/r.json")
    assert not (tmp_path / "f.mp4").exists()


def test_an_out_folder_that_cannot_be_made_is_named(tmp_path: Path, cameras: list[str], model: Path) -> None:
    with pytest.raises(CoconetError, match=r"tiny\.onnx/out cannot be written"):
        coconet_run(*cameras, "--model", model, "--out", f"{model}/out/")


def test_a_model_for_another_size_says_both_sizes(tmp_path: Path, cameras: list[str]) -> None:
    small = write_averaging_model(tmp_path / "small.onnx", size=(8, 8))
    with pytest.raises(CoconetError, match=r"is 16x24 .* exported for 8x8"):
        coconet_run(*cameras, "--model", small, "--out", f"{tmp_path}/fused.mp4")
    assert not list(tmp_path.glob("*fused*"))


@pytest.mark.parametrize(("out", "left"), [("fused.mp4", "fused.mp4.unfinished"), ("fused", "fused"), (None, None)])
def test_a_recording_that_breaks_off_leaves_what_was_fused_and_a_line_says_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: str | None, left: str | None
) -> None:
    with VideoWriter(tmp_path / "whole.mkv") as writer:
        for number in range(40):
            noise = np.random.default_rng(number).integers(0, 256, (16, 24, 3), np.uint8)
            writer.write(noise, number * 33_333_333)
    half = (tmp_path / "whole.mkv").read_bytes()
    (tmp_path / "half.mkv").write_bytes(half[: len(half) // 2])
    words = ("--visible", tmp_path / "half.mkv", "--infrared", tmp_path / "half.mkv", "--model", "average")
    said = list[str]()
    monkeypatch.setattr("coconet.runtime.loop.run.print_notice", lambda sentence, _kind: said.append(sentence))
    with pytest.raises(CoconetError, match=r"half\.mkv is cut off after frame"):
        coconet_run(*words, *(() if out is None else ("--out", tmp_path / out)))
    (told,) = said
    assert "frames fused before what went wrong" in told
    assert [path.name for path in tmp_path.glob("*fused*")] == ([] if left is None else [left])
    if left is None:
        assert "what was written of them" not in told
        return
    assert f"what was written of them is in {tmp_path / left}." in told
    made = tmp_path / left
    assert (len(list(made.iterdir())) if made.is_dir() else frames_in_video(made)) > 5


def test_files_whose_clocks_begin_apart_are_laid_together(tmp_path: Path) -> None:
    for name, start_s in (("vis.mp4", 0.0), ("ir.ts", 3.0)):
        write_stamped_video(tmp_path / name, [start_s + 0.04 * index for index in range(30)])
    words = ("--visible", tmp_path / "vis.mp4", "--infrared", tmp_path / "ir.ts", "--model", "average")
    assert "30 frames read, 30 paired, 0 dropped" in coconet_run(*words)


def test_a_large_share_without_a_partner_has_its_own_exit_code_and_the_output_stays(tmp_path: Path) -> None:
    for name, start_s in (("vis.mp4", 0.0), ("ir.mkv", 0.6)):
        write_stamped_video(tmp_path / name, [start_s + 0.04 * index for index in range(30)])
    (tmp_path / "rig.toml").write_text(
        '[visible]\naddress = "vis.mp4"\n[infrared]\naddress = "ir.mkv"\n[pairing]\nstarts = "stamped"\n'
    )
    words = [f"{tmp_path}/rig.toml", "--model", "average", "--out", f"{tmp_path}/out.mp4"]
    ended = CliRunner().invoke(APP, words)
    assert ended.exit_code == ExitCode.UNPAIRED
    assert "14 of 30 visible frames found no partner (1 too far, 13 missing)" in ended.stderr
    assert "their clocks are apart: coconet offset" in ended.stderr
    assert frames_in_video(tmp_path / "out.mp4") == 15


def test_frames_before_the_zero_of_a_file_are_paired_at_their_times(tmp_path: Path) -> None:
    """FFmpeg gives no times to what lies before the zero of a Matroska file."""
    for name, start_s in (("vis.mkv", -0.3), ("ir.mkv", 0.1)):
        write_stamped_video(tmp_path / name, [start_s + 0.04 * index for index in range(30)])
    words = ("--visible", tmp_path / "vis.mkv", "--infrared", tmp_path / "ir.mkv", "--model", "average")
    assert "30 frames read, 30 paired, 0 dropped" in coconet_run(*words)
    ended = CliRunner().invoke(APP, [*map(str, words), "--starts", "stamped"])
    assert "30 frames read, 20 paired, 10 dropped (" in ended.stdout


def test_frames_of_which_none_has_a_partner_are_an_error_of_the_same_kind(tmp_path: Path) -> None:
    for name, start_s in (("vis.mp4", 0.0), ("ir.mkv", 9.0)):
        write_stamped_video(tmp_path / name, [start_s + 0.04 * index for index in range(30)])
    (tmp_path / "rig.toml").write_text(
        '[visible]\naddress = "vis.mp4"\n[infrared]\naddress = "ir.mkv"\n[pairing]\nstarts = "stamped"\n'
    )
    told = r"gave no pair of frames out of .*: infrared begins 9\.000 s after visible\. .*--starts together"
    with pytest.raises(CoconetError, match=told) as refused:
        coconet_run(tmp_path / "rig.toml", "--model", "average")
    assert refused.value.exit_code == ExitCode.UNPAIRED


def test_a_clock_that_jumps_by_hours_loses_no_output(tmp_path: Path) -> None:
    write_stamped_video(tmp_path / "vis.mkv", [0.04 * index + 39_600 * (index >= 15) for index in range(30)])
    write_stamped_video(tmp_path / "ir.mp4", [0.04 * index for index in range(30)])
    words = ("--visible", tmp_path / "vis.mkv", "--infrared", tmp_path / "ir.mp4", "--model", "average")
    coconet_run(*words, "--out", tmp_path / "out.mp4")
    with VideoReader(tmp_path / "out.mp4") as video:
        times = [frame.timestamp_ns / 1e9 for frame in video]
    assert times == pytest.approx([0.04 * index for index in range(30)], abs=0.01)


@pytest.mark.data
def test_a_real_recording_of_two_cameras_is_fused_frame_by_frame(tmp_path: Path, data: Path) -> None:
    clip = [f"{data}/video/0117_1605_{side}.mp4" for side in ("vis", "ir")]
    words = ("--visible", clip[0], "--infrared", clip[1], "--model", "average", "--frames", 8)
    assert "8 frames in" in coconet_run(*words, "--out", tmp_path / "fused.mp4")
    with VideoReader(Path(clip[0])) as source, VideoReader(tmp_path / "fused.mp4") as video:
        times = [[frame.timestamp_ns for frame in islice(reader, 8)] for reader in (source, video)]
    assert times[0] == pytest.approx(times[1], abs=1e6)


@pytest.mark.parametrize("words", [("--frames", 4), ()])
def test_the_frames_add_up_also_if_a_run_has_had_its_frames(tmp_path: Path, words: tuple[object, ...]) -> None:
    address = "synthetic://?width=64&height=48&fps=25&duration_s=1"
    sides = ("--visible", address, "--infrared", address)
    coconet_run(*sides, "--model", "average", "--json", tmp_path / "run.json", *words)
    report = json.loads((tmp_path / "run.json").read_text())
    assert report["left_over"] == 0
    for side in report["counts"].values():
        assert side["paired"] == report["fused"] == (4 if words else 25)
        assert side["read"] == side["paired"] + side["left_over"]
        assert words or not side["left_over"]
