"""`coconet score` as a user calls it."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from coconet.errors import CoconetError
from coconet.media.image import write_picture
from coconet.media.pixels import as_gray
from coconet.media.video import VideoReader
from coconet.metrics.fusion import score as score_picture
from coconet.reading import Reading
from coconet.runtime.commands.record import record
from coconet.runtime.commands.run import run as run_command
from coconet.runtime.commands.score import score
from coconet.runtime.rig.open_rig import open_rig
from coconet.runtime.rig.rig_file import Rig, fitted_by, read_by
from tests.support.media.moving_video import holed, moving_video
from tests.support.media.raw_video import VideoForm, write_raw_video
from tests.support.media.textured import mean_of, textured
from tests.support.programs.called import call, complaint_of

APP = typer.Typer()
APP.command()(score)
VISIBLE, INFRARED = textured(0), textured(1)


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One pair in vis/ and ir/, fused into mean/ and max/, in the folder where the command runs."""
    monkeypatch.chdir(tmp_path)
    fused = {"mean": mean_of(VISIBLE, INFRARED), "max": np.maximum(VISIBLE, INFRARED)}
    for name, pixels in {"vis": VISIBLE, "ir": INFRARED, **fused}.items():
        (tmp_path / name).mkdir()
        write_picture(tmp_path / name / "a.png", pixels[:, :, None])
    return tmp_path


def run(*arguments: str) -> str:
    """Call the command on vis/ and ir/ and give back what it prints; errors come through as they are."""
    command = ["--visible", "vis", "--infrared", "ir", *arguments]
    result = CliRunner().invoke(APP, command, catch_exceptions=False, env={"COLUMNS": "100"})
    assert result.exit_code == 0, result.output
    return result.stdout


def written(folders: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((folders / "scores.csv").read_text(encoding="utf-8").splitlines()))


def test_the_table_shows_each_entry_with_its_means() -> None:
    lines = {
        words[0]: words[1:] for words in map(str.split, run("averaged=mean", "brighter=max").splitlines()) if words
    }
    for name, fused in (("averaged", mean_of(VISIBLE, INFRARED)), ("brighter", np.maximum(VISIBLE, INFRARED))):
        expected = score_picture(fused, INFRARED, VISIBLE)
        assert [float(cell) for cell in lines[name][:9]] == pytest.approx(list(vars(expected).values()), abs=5e-4)


def test_the_best_of_every_column_is_bold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    printed = run("averaged=mean", "brighter=max")
    pictures = (mean_of(VISIBLE, INFRARED), np.maximum(VISIBLE, INFRARED))
    for values in zip(*(vars(score_picture(one, INFRARED, VISIBLE)).values() for one in pictures), strict=True):
        assert f"\x1b[1m{max(values):.3f}\x1b[0m" in printed
        assert f"\x1b[1m{min(values):.3f}\x1b[0m" not in printed


def test_the_table_names_its_variant() -> None:
    assert "8 bit gray" in run("mean=mean")
    for name in ("toolbox", "matlab-u8", "cddfuse"):
        assert f"{name}: " in run("mean=mean", "--variant", name)


def test_the_csv_holds_what_the_metrics_give(folders: Path) -> None:
    run("mean=mean", "max=max", "--csv", "scores.csv")
    rows = written(folders)
    assert [(row["name"], row["image"]) for row in rows] == [("mean", "a"), ("max", "a")]
    expected = score_picture(np.maximum(VISIBLE, INFRARED), INFRARED, VISIBLE)
    assert {column: float(rows[1][column]) for column in vars(expected)} == vars(expected)


def test_a_variant_that_is_none_is_refused() -> None:
    with pytest.raises(CoconetError, match="--variant must be one of plain, toolbox, matlab-u8, cddfuse, not 'vifb'"):
        run("mean=mean", "--variant", "vifb")


def test_a_variant_changes_what_is_written_and_is_named_there(folders: Path) -> None:
    run("mean=mean", "--csv", "scores.csv", "--variant", "matlab-u8")
    (row,) = written(folders)
    assert row["variant"] == "matlab-u8"
    assert float(row["SD"]) < 16
    assert float(row["SF"]) < 1


def test_an_error_leaves_no_csv(folders: Path) -> None:
    write_picture(folders / "max" / "a.png", textured(0, 50, 60)[:, :, None])
    with pytest.raises(CoconetError, match="of different sizes"):
        run("mean=mean", "max=max", "--csv", "scores.csv")
    assert not list(folders.glob("*.csv"))


def test_a_csv_in_a_folder_that_is_not_there_is_refused() -> None:
    with pytest.raises(CoconetError, match="cannot be written: there is no folder"):
        run("mean=mean", "--csv", "nowhere/scores.csv")


@pytest.mark.parametrize("text", ["mean", "=mean"])
def test_a_folder_without_a_name_is_refused(text: str) -> None:
    with pytest.raises(CoconetError, match="is not NAME=FOLDER"):
        run(text)


def test_a_name_that_stands_twice_is_refused() -> None:
    with pytest.raises(CoconetError, match="a name that stands twice"):
        run("one=mean", "one=max")


def test_infrared_pictures_of_another_size_are_laid_as_run_lays_them(folders: Path) -> None:
    write_picture(folders / "ir" / "a.png", INFRARED[::2, ::2, None].copy())
    run("mean=mean", "--csv", "scores.csv", "--fit", "crop")
    with open_rig(fitted_by(Rig.from_addresses("vis", "ir"), "crop")) as stream:
        (laid,) = (pair.infrared.pixels[:, :, 0] for pair in stream)
    expected = score_picture(mean_of(VISIBLE, INFRARED), laid, VISIBLE)
    (row,) = written(folders)
    assert {column: float(row[column]) for column in vars(expected)} == vars(expected)


def test_pictures_that_stand_alone_are_refused(folders: Path) -> None:
    (folders / "ir" / "a.png").rename(folders / "ir" / "b.png")
    with pytest.raises(CoconetError, match="do not pair: "):
        run("mean=mean")


@pytest.fixture
def videos(folders: Path) -> list[str]:
    """A visible video, an infrared one of 16 bit counts, six frames each, and what run fuses of both as a video."""
    days = [np.repeat(textured(index)[:, :, None], 3, axis=2) for index in range(6)]
    write_raw_video(folders / "day.mkv", days, VideoForm("ffv1", "bgr0", "bgr24"))
    counts = [7000 + 9 * textured(index + 1).astype(np.uint16) for index in range(6)]
    write_raw_video(folders / "night.mkv", counts, VideoForm("ffv1", "gray16le", "gray16le"))
    sides = ["--visible", "day.mkv", "--infrared", "night.mkv"]
    fused = call(run_command, *sides, "--model", "average", "--out", "fused.mp4", "--range-of", "7000..9300")
    assert fused.exit_code == 0, fused.exception
    return [*sides, "--range-of", "7000..9300"]


def test_every_second_frame_of_a_fused_video_is_scored_against_its_pair(folders: Path, videos: list[str]) -> None:
    assert call(score, "mean=fused.mp4", *videos, "--csv", "scores.csv", "--every", "2").exit_code == 0
    rows = written(folders)
    assert [row["image"] for row in rows] == ["000000", "000002", "000004"]
    rig = Rig.from_addresses("day.mkv", "night.mkv")
    with open_rig(read_by(rig, Reading(range_of="7000..9300"))) as stream, VideoReader(Path("fused.mp4")) as fused:
        pairs, pictures = list(stream), [as_gray(frame.pixels)[:61, :73, 0] for frame in fused]
    for row, index in zip(rows, (0, 2, 4), strict=True):
        sides = (pairs[index].infrared.pixels[:, :, 0], as_gray(pairs[index].visible.pixels)[:, :, 0])
        expected = vars(score_picture(pictures[index], *sides))
        assert {name: float(row[name]) for name in expected} == expected


def test_recordings_and_rigs_are_scored_like_the_videos_they_are_of(folders: Path, videos: list[str]) -> None:
    assert call(record, *videos, "--out", "both").exit_code == 0
    for name, sources in (("videos", videos), ("folder", ["--frames", "both"]), ("rig", ["--frames", "both/rig.toml"])):
        done = call(score, "mean=fused.mp4", *sources, "--csv", f"{name}.csv", *videos[4:])
        assert done.exit_code == 0, done.exception
    assert (folders / "videos.csv").read_text() == (folders / "folder.csv").read_text()
    assert (folders / "videos.csv").read_text() == (folders / "rig.csv").read_text()


def test_a_fused_video_that_is_shorter_is_refused_and_its_pairs_alone_are_scored(
    folders: Path, videos: list[str]
) -> None:
    assert call(run_command, *videos, "--model", "average", "--out", "short.mp4", "--frames", "4").exit_code == 0
    complaint = complaint_of(score, "mean=short.mp4", *videos, "--csv", "scores.csv")
    assert "short.mp4 ends after 4 frames, and there are more pairs" in complaint
    assert not (folders / "scores.csv").exists()
    assert call(score, "mean=short.mp4", *videos, "--csv", "scores.csv", "--pairs", "4").exit_code == 0
    assert len(written(folders)) == 4


def test_what_a_run_left_out_is_left_out_of_its_scores(folders: Path) -> None:
    (folders / "day.ts").write_bytes(holed(moving_video()))
    (folders / "night.ts").write_bytes(moving_video())
    sides = ["--visible", "day.ts", "--infrared", "night.ts", "--palette", "luma"]
    done = call(run_command, *sides, "--model", "average", "--out", "fused.mp4", "--on-error", "skip")
    assert done.exit_code == 7, done.exception
    assert "is damaged in frame" in complaint_of(score, "mean=fused.mp4", *sides)
    done = call(score, "mean=fused.mp4", *sides, "--on-error", "skip", "--csv", "scores.csv")
    assert done.exit_code == 0, done.exception
    with VideoReader(Path("fused.mp4")) as fused:
        assert len(written(folders)) == len(list(fused))


def test_a_still_that_cannot_be_read_is_left_out_too(folders: Path) -> None:
    for side, kind in (("vis", 2), ("ir", 3)):
        write_picture(folders / side / "b.png", textured(kind)[:, :, None])
    (folders / "ir" / "b.png").write_bytes(b"no picture")
    assert "no picture" in complaint_of(score, "mean=mean", "--visible", "vis", "--infrared", "ir")
    run("mean=mean", "--on-error", "skip", "--csv", "scores.csv")
    assert [row["image"] for row in written(folders)] == ["a"]


@pytest.mark.parametrize("sources", [[], ["--visible", "vis"], ["--visible", "vis", "--frames", "."]])
def test_half_of_the_sources_or_more_than_them_are_refused(sources: list[str]) -> None:
    assert "--frames" in complaint_of(score, "mean=mean", *sources)


def test_the_page_has_the_means_and_the_worst_pictures_and_open_says_where_it_is_without_a_screen(
    folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSH_TTY", "/dev/pts/0")
    command = ["--visible", "vis", "--infrared", "ir", "averaged=mean", "brighter=max", "--html", "s.html", "--open"]
    result = CliRunner().invoke(APP, command, catch_exceptions=False)
    assert result.exit_code == 0
    assert "s.html was not opened: this is a session over SSH." in result.stderr
    text = (folders / "s.html").read_text(encoding="utf-8")
    assert text.count("<img ") == 2
    assert "<td>averaged</td>" in text


def test_open_without_a_page_is_refused_before_anything_is_read() -> None:
    with pytest.raises(CoconetError, match="--open has no page to open"):
        run("mean=nowhere", "--open")


def test_a_folder_that_is_not_there_is_named_with_its_argument_and_the_nearest_one() -> None:
    with pytest.raises(CoconetError) as caught:
        run("brighter=max", "averaged=maen")
    assert str(caught.value) == (
        "averaged=maen names fused pictures that are not there: maen does not exist. "
        "Did you mean mean? Correct what stands behind the =."
    )


def test_one_entry_has_no_rank_and_two_have() -> None:
    assert "rank" not in run("averaged=mean")
    assert "rank" in run("averaged=mean", "brighter=max")
