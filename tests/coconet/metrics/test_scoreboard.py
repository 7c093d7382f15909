"""Folders of fused pictures: matching, scoring, means and ranks."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

import numpy as np
import pytest

from coconet.errors import CoconetError
from coconet.media.image import write_picture
from coconet.media.pairs import PicturePair, pair_by_name
from coconet.metrics.fusion import METRICS, Scores, score
from coconet.metrics.scoreboard import RANKED, Row, fused_pictures, score_pictures, standings, write_rows
from tests.support.media.textured import mean_of, textured

IMAGES = ("a", "b")


@pytest.fixture
def pairs(tmp_path: Path) -> list[PicturePair]:
    for kind, side in enumerate(("vis", "ir")):
        (tmp_path / side).mkdir()
        for number, image in enumerate(IMAGES):
            write_picture(tmp_path / side / f"{image}.png", textured(2 * number + kind)[:, :, None])
    return pair_by_name(tmp_path / "vis", tmp_path / "ir")


@pytest.fixture
def fused(tmp_path: Path) -> Path:
    """Means of the sources, as BMP to show that the ending does not matter."""
    (tmp_path / "mean").mkdir()
    for number, image in enumerate(IMAGES):
        mean = mean_of(textured(2 * number), textured(2 * number + 1))
        write_picture(tmp_path / "mean" / f"{image}.bmp", mean[:, :, None])
    return tmp_path / "mean"


def row(entry: str, **scores: float) -> Row:
    return Row(entry, "a", dataclasses.replace(Scores(*[0.0] * len(METRICS)), **scores))


def test_every_picture_is_scored_against_its_own_sources(pairs: list[PicturePair], fused: Path) -> None:
    rows = list(score_pictures(fused_pictures("mean", fused, pairs), score))
    assert [(row.entry, row.image) for row in rows] == [("mean", "a"), ("mean", "b")]
    for number, row in enumerate(rows):
        visible, infrared = textured(2 * number), textured(2 * number + 1)
        assert row.scores == score(mean_of(visible, infrared), infrared, visible)


def test_a_pair_without_a_fused_picture_is_named(pairs: list[PicturePair], fused: Path) -> None:
    (fused / "b.bmp").unlink()
    with pytest.raises(
        CoconetError, match="one fused picture for each of 2 pairs, under its name, got no picture for b"
    ):
        fused_pictures("mean", fused, pairs)


def test_fused_pictures_without_a_pair_are_named_and_counted(pairs: list[PicturePair], fused: Path) -> None:
    for extra in "vwxyz":
        write_picture(fused / f"{extra}.png", textured(0)[:, :, None])
    with pytest.raises(CoconetError, match="got no pair for v, w, x and 2 others"):
        fused_pictures("mean", fused, pairs)


def test_two_fused_pictures_of_one_name_are_refused(pairs: list[PicturePair], fused: Path) -> None:
    write_picture(fused / "a.png", textured(0)[:, :, None])
    with pytest.raises(CoconetError, match="wanted one picture of each name"):
        fused_pictures("mean", fused, pairs)


def test_an_empty_folder_is_refused(pairs: list[PicturePair], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(CoconetError, match="got a folder without any"):
        fused_pictures("mean", tmp_path / "empty", pairs)


def test_a_fused_picture_of_another_size_is_refused_with_all_sizes(pairs: list[PicturePair], fused: Path) -> None:
    write_picture(fused / "b.bmp", textured(0, 50, 60)[:, :, None])
    rows = score_pictures(fused_pictures("mean", fused, pairs), score)
    assert next(rows).image == "a"
    with pytest.raises(CoconetError, match=r"b\.bmp: wanted .* of one size, got 60 x 50, 73 x 61, 73 x 61"):
        next(rows)


def test_an_entry_stands_with_the_mean_of_its_pictures() -> None:
    rows = [row("one", EN=1, SD=8), row("two", EN=5), row("one", EN=2, SD=4)]
    assert [(standing.entry, standing.mean.EN, standing.mean.SD) for standing in standings(rows)] == [
        ("one", 1.5, 6.0),
        ("two", 5.0, 0.0),
    ]


def test_ranks_are_averaged_over_the_ranked_columns_and_equals_share_theirs() -> None:
    rows = [row("best", EN=3, SD=3, MI=0), row("second", EN=2, SD=3, MI=5), row("last", EN=1, SD=1, MI=9)]
    even = (len(RANKED) - 2) * 2.0  # all three share the places 1 to 3 in the other columns
    ranks = [standing.mean_rank * len(RANKED) for standing in standings(rows)]
    assert ranks == pytest.approx([1 + 1.5 + even, 2 + 1.5 + even, 3 + 3 + even])


def test_less_ranks_first_in_a_metric_of_which_less_is_better(monkeypatch: pytest.MonkeyPatch) -> None:
    noise = dataclasses.replace(METRICS[0], higher_is_better=False)
    monkeypatch.setattr("coconet.metrics.scoreboard.RANKED", (noise,))
    rows = [row("loud", EN=3), row("quiet", EN=1), row("between", EN=2)]
    assert [standing.mean_rank for standing in standings(rows)] == [3, 1, 2]


def test_csv_holds_one_line_a_picture_in_full_precision(tmp_path: Path) -> None:
    rows = [Row("one", "a", Scores(*np.linspace(0.1, 1 / 3, 9).tolist())), row("two, commas", EN=1)]
    write_rows(tmp_path / "s.csv", rows, "plain")
    with (tmp_path / "s.csv").open(newline="", encoding="utf-8") as stream:
        header, *lines = csv.reader(stream)
    assert header == ["name", "image", "variant", "EN", "AG", "SF", "SD", "SCD", "VIF", "MI", "Qabf", "SSIM"]
    assert [line[:3] for line in lines] == [["one", "a", "plain"], ["two, commas", "a", "plain"]]
    assert tuple(map(float, lines[0][3:])) == dataclasses.astuple(rows[0].scores)
