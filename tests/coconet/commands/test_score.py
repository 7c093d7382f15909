"""`coconet score` as a user calls it."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from coconet.commands.score import score
from coconet.errors import CoconetError
from coconet.media.image import write_picture
from coconet.metrics.fusion import score as score_picture
from tests.support.media.textured import mean_of, textured

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
    with pytest.raises(CoconetError, match="wanted one of plain, toolbox, matlab-u8, cddfuse, got 'vifb'"):
        run("mean=mean", "--variant", "vifb")


def test_a_variant_changes_what_is_written_and_is_named_there(folders: Path) -> None:
    run("mean=mean", "--csv", "scores.csv", "--variant", "matlab-u8")
    (row,) = written(folders)
    assert row["variant"] == "matlab-u8"
    assert float(row["SD"]) < 16
    assert float(row["SF"]) < 1


def test_an_error_leaves_no_csv(folders: Path) -> None:
    write_picture(folders / "max" / "a.png", textured(0, 50, 60)[:, :, None])
    with pytest.raises(CoconetError, match="of one size"):
        run("mean=mean", "max=max", "--csv", "scores.csv")
    assert not list(folders.glob("*.csv"))


def test_a_csv_in_a_folder_that_is_not_there_is_refused() -> None:
    with pytest.raises(CoconetError, match="path in an existing folder"):
        run("mean=mean", "--csv", "nowhere/scores.csv")


@pytest.mark.parametrize("text", ["mean", "=mean"])
def test_a_folder_without_a_name_is_refused(text: str) -> None:
    with pytest.raises(CoconetError, match="wanted NAME=FOLDER, each name once, got no name and folder"):
        run(text)


def test_a_name_that_stands_twice_is_refused() -> None:
    with pytest.raises(CoconetError, match="a name that stands twice"):
        run("one=mean", "one=max")


def test_videos_are_sent_to_the_commands_that_score_them(folders: Path) -> None:
    (folders / "fused.mp4").touch()
    with pytest.raises(CoconetError, match="take the rig file of both"):
        run("x=fused.mp4")


def test_infrared_pictures_of_another_size_are_not_to_be_fused_again(folders: Path) -> None:
    write_picture(
        folders / "ir" / "a.png",
        INFRARED[::2, ::2, None].copy(),
    )
    with pytest.raises(CoconetError, match="Give infrared pictures that lie on the visible ones"):
        run("mean=mean")


def test_pictures_that_stand_alone_are_refused(folders: Path) -> None:
    (folders / "ir" / "a.png").rename(folders / "ir" / "b.png")
    with pytest.raises(CoconetError, match="wanted the same file names in both folders"):
        run("mean=mean")
