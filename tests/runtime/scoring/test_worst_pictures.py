"""Of each entry the pictures that kept least of the edges stay, few of them, the worst first."""

from __future__ import annotations

import numpy as np

from coconet.metrics.scoreboard import Row, standings
from coconet.metrics.scores import NAMES, Scores
from coconet.runtime.scoring.score_page import score_page
from coconet.runtime.scoring.worst_pictures import Scored, WorstPictures
from tests.support.media.frames import pair_of
from tests.support.media.textured import textured


def scored(entry: str, image: str, edges: float) -> Scored:
    pixels = textured(0)[:, :, None]
    scores = Scores(**{**dict.fromkeys(NAMES, 1.0), "Qabf": edges})
    return Row(entry, image, scores), pair_of(pixels, pixels), np.asarray(pixels)


def test_the_three_lowest_of_each_entry_stay_and_of_equal_ones_the_first() -> None:
    worst = WorstPictures()
    for image, edges in zip("abcde", (0.5, 0.3, 0.3, 0.9, 0.3), strict=True):
        worst.look_at(scored("lite", image, edges))
    worst.look_at(scored("other", "f", 0.9))
    assert [row.image for row, _, _ in worst.of("lite")] == ["b", "c", "e"]
    assert [row.image for row, _, _ in worst.of("other")] == ["f"]
    assert worst.of("none") == []


def test_the_page_names_the_best_entry_and_shows_the_worst_pictures_of_each() -> None:
    worst, all_scored = WorstPictures(), [scored("lite", "a", 0.9), scored("average", "a", 0.2)]
    for one in all_scored:
        worst.look_at(one)
    page = score_page(standings([row for row, _, _ in all_scored]), worst, "1 picture", "plain")
    assert page.verdict.startswith("lite has the best mean rank")
    assert [picture.caption.partition(":")[0] for picture in page.pictures] == ["lite, a", "average, a"]
    assert all("Qabf 0." in picture.caption for picture in page.pictures)
