"""Scoreboard: the scores of fused pictures, how their entries rank, and both as a file."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from coconet.metrics.fusion import METRICS, Scores
from coconet.metrics.gray import Gray

RANKED = tuple(metric for metric in METRICS if metric.ranked)
"""The metrics of the mean rank."""

Scorer = Callable[[Gray, Gray, Gray], Scores]
"""`coconet.metrics.fusion.score` or another variant of it: fused, infrared, visible."""


@dataclass(frozen=True)
class Row:
    """One scored picture; `image` is its file name without the ending, or the number of its frame."""

    entry: str
    image: str
    scores: Scores


@dataclass(frozen=True)
class RankedEntry:
    """One entry: the mean of its scores, and the mean of its ranks over RANKED (1 is best, equals share theirs)."""

    entry: str
    mean: Scores
    mean_rank: float


def standings(rows: Iterable[Row]) -> list[RankedEntry]:
    """Mean and mean rank of every entry, in the order in which the entries appear."""
    values: dict[str, list[tuple[float, ...]]] = {}
    for row in rows:
        values.setdefault(row.entry, []).append(dataclasses.astuple(row.scores))
    means = [Scores(*np.mean(scores, axis=0).tolist()) for scores in values.values()]
    return [RankedEntry(*parts) for parts in zip(values, means, _mean_ranks(means), strict=True)]


def write_rows(path: Path, rows: Iterable[Row], variant: str) -> None:
    """Write CSV with the columns name, image, variant and the metrics: one line a picture, full precision, no means.

    Programs that read the file group by name; lines of another kind among them would spoil their sums.
    variant: the name of the one that the rows were scored by.
    """
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("name", "image", "variant", *(metric.name for metric in METRICS)))
        writer.writerows((row.entry, row.image, variant, *dataclasses.astuple(row.scores)) for row in rows)


def _mean_ranks(means: Sequence[Scores]) -> list[float]:
    table = np.array([[metric.merit(getattr(mean, metric.name)) for metric in RANKED] for mean in means])
    better = (table[None] > table[:, None]).sum(axis=1)
    equal = (table[None] == table[:, None]).sum(axis=1)
    ranks = better + (equal + 1) / 2
    return [float(rank) for rank in ranks.mean(axis=1)]
