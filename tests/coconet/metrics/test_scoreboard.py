"""Scores of fused pictures: means, ranks and the file."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

import numpy as np
import pytest

from coconet.metrics.fusion import METRICS, Scores
from coconet.metrics.scoreboard import RANKED, Row, standings, write_rows


def row(entry: str, **scores: float) -> Row:
    return Row(entry, "a", dataclasses.replace(Scores(*[0.0] * len(METRICS)), **scores))


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
