"""The page of `coconet score`: the means of every entry, and its worst pictures beside their sources."""

from __future__ import annotations

from collections.abc import Sequence

from coconet.media.panel import Captioned, sheet_of_row
from coconet.metrics.fusion import METRICS
from coconet.metrics.scoreboard import RANKED, RankedEntry
from coconet.pages.picture_page import PagePicture, PageTable, PicturePage
from coconet.runtime.scoring.worst_pictures import MOST, Scored, WorstPictures

COLUMN_PX = 640


def score_page(standings: Sequence[RankedEntry], worst: WorstPictures, count: str, note: str) -> PicturePage:
    """Make the page. count: how many pictures of each entry were scored, in words. note: of the variant."""
    names, ranks = [metric.name for metric in METRICS], len(standings) > 1
    rows = [
        (one.entry, *(f"{getattr(one.mean, name):.3f}" for name in names), *([f"{one.mean_rank:.2f}"] if ranks else []))
        for one in standings
    ]
    best = min(standings, key=lambda one: one.mean_rank)
    several = f"{best.entry} has the best mean rank, {best.mean_rank:.2f} of {len(standings)}."
    rule = f"; rank is the mean over {', '.join(metric.name for metric in RANKED)}, 1 is best" if ranks else ""
    return PicturePage(
        title="Scores of fused pictures",
        verdict=several if ranks else f"{best.entry}: means of {count}.",
        tables=[PageTable(f"Means of {count}", ("name", *names, *(["rank"] if ranks else [])), rows)],
        pictures_title=f"The {MOST} pictures of each that kept least of the edges (lowest Qabf)",
        pictures=[_picture(one) for entry in standings for one in worst.of(entry.entry)],
        notes=[f"{note}.", f"Higher is better{rule}."],
    )


def _picture(scored: Scored) -> PagePicture:
    row, pair, fused = scored
    sides = (("infrared", pair.infrared.pixels), ("visible", pair.visible.pixels), (row.entry, fused))
    figures = ", ".join(f"{metric.name} {getattr(row.scores, metric.name):.3f}" for metric in METRICS)
    sheet = sheet_of_row([Captioned(text, pixels) for text, pixels in sides], COLUMN_PX)
    return PagePicture(f"{row.entry}, {row.image}: {figures}", sheet)
