"""Fusions scored against their pairs, pair after pair."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from coconet.errors import CoconetError
from coconet.media.image import write_picture
from coconet.metrics.fusion import score
from coconet.runtime.frame import Frame, FramePair
from coconet.runtime.scoring.fused import Fused, open_fused
from coconet.runtime.scoring.scored_pairs import ScoredPart, score_pairs
from tests.support.media.textured import mean_of, textured

COUNT = 4


def source(kind: int, index: int, name: str = "") -> Frame:
    return Frame(textured(kind)[:, :, None], index, index, name)


def pairs(names: str = "") -> Iterator[FramePair]:
    for index in range(COUNT):
        name = f"vis/{names[index]}.png" if names else ""
        yield FramePair(source(2 * index, index, name), source(2 * index + 1, index))


@pytest.fixture
def fused(tmp_path: Path) -> Fused:
    """The mean of each pair."""
    for index, name in enumerate("abcd"):
        mean = mean_of(textured(2 * index), textured(2 * index + 1))
        write_picture(tmp_path / f"{name}.png", mean[:, :, None])
    return open_fused("mean", str(tmp_path), [])


def test_every_picture_is_scored_against_its_own_pair(fused: Fused) -> None:
    rows = [row for row, _, _ in score_pairs(pairs("abcd"), [fused], score)]
    assert [(row.entry, row.image) for row in rows] == [("mean", name) for name in "abcd"]
    for index, row in enumerate(rows):
        visible, infrared = textured(2 * index), textured(2 * index + 1)
        assert row.scores == score(mean_of(visible, infrared), infrared, visible)


def test_every_second_pair_keeps_its_own_picture_and_number(fused: Fused) -> None:
    rows = [row for row, _, _ in score_pairs(pairs(), [fused], score, ScoredPart(step=2))]
    assert [row.image for row in rows] == ["000000", "000002"]
    assert rows[1].scores == score(mean_of(textured(4), textured(5)), textured(5), textured(4))


def test_the_first_pairs_alone_leave_the_rest_of_both_alone(fused: Fused) -> None:
    part = ScoredPart(step=2, limit=3)
    assert len(list(score_pairs(pairs(), [fused], score, part))) == 2 == part.count(COUNT)


def test_a_fused_picture_of_another_size_is_refused_with_all_sizes(fused: Fused) -> None:
    write_picture(Path(fused.place) / "b.png", textured(0, 50, 60)[:, :, None])
    with pytest.raises(CoconetError, match="frame 1 has .* different sizes: 60 x 50, 73 x 61 and 73 x 61"):
        list(score_pairs(pairs(), [fused], score))
