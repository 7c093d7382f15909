"""Scoreboard: folders of fused pictures, each scored against the same sources, and how they rank."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from coconet.errors import CoconetError, counted
from coconet.media.image import InfraredStills, read_gray
from coconet.media.naming.picture_folder import pictures_in
from coconet.media.naming.picture_names import name_key
from coconet.media.pairs import PicturePair
from coconet.metrics.fusion import METRICS, Scores
from coconet.metrics.gray import Gray

RANKED = tuple(metric for metric in METRICS if metric.ranked)
"""The metrics of the mean rank."""

WORKERS = 2

Scorer = Callable[[Gray, Gray, Gray], Scores]
"""`coconet.metrics.fusion.score` or another variant of it: fused, infrared, visible."""


@dataclass(frozen=True)
class FusedPicture:
    """One picture to score: the entry it belongs to, its file and its two sources."""

    entry: str
    path: Path
    sources: PicturePair


@dataclass(frozen=True)
class Row:
    """One scored picture; `image` is its file name without the ending."""

    entry: str
    image: str
    scores: Scores


@dataclass(frozen=True)
class RankedEntry:
    """One entry: the mean of its scores, and the mean of its ranks over RANKED (1 is best, equals share theirs)."""

    entry: str
    mean: Scores
    mean_rank: float


def fused_pictures(entry: str, folder: Path, pairs: Sequence[PicturePair]) -> list[FusedPicture]:
    """Match a folder of fused pictures with their sources by file name without its ending, in the order of the pairs.

    A picture file is that of a single pair, whatever its name.
    Raises CoconetError where a pair has no fused picture, or a fused picture no pair.
    """
    found = pictures_in(folder)
    if found == [folder] and len(pairs) == 1:
        return [FusedPicture(entry, folder, pairs[0])]
    sources = {name_key(pair.name): pair for pair in pairs}
    by_key = {name_key(path.name): path for path in found}
    fused = by_key.keys()
    misfits = {"no picture for": sources.keys() - fused, "no pair for": fused - sources.keys()}
    for what, stems in misfits.items():
        if stems:
            raise CoconetError(
                folder,
                wanted=f"one fused picture for each of {counted(len(pairs), 'pair')}, under its name",
                got=f"{what} {_some(stems)}",
                remedy="Score all entries on the same pairs: means over different pictures cannot be compared.",
            )
    return [FusedPicture(entry, by_key[key], pair) for key, pair in sources.items()]


def score_pictures(
    pictures: Iterable[FusedPicture], scorer: Scorer, reader: InfraredStills | None = None
) -> Iterator[Row]:
    """Score pictures in their order, two at a time; the first one that cannot be scored ends it with CoconetError.

    reader: of the infrared sources, each by itself if not given.
    """
    thermal = reader or InfraredStills()
    # Threads: NumPy and SciPy let go of the interpreter in their loops, and a process takes seconds to start.
    with ThreadPoolExecutor(WORKERS) as pool:
        pending = [pool.submit(_scored, picture, scorer, thermal) for picture in pictures]
        try:
            for future in pending:
                yield future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def standings(rows: Iterable[Row]) -> list[RankedEntry]:
    """Mean and mean rank of every entry, in the order in which the entries appear."""
    values: dict[str, list[tuple[float, ...]]] = {}
    for row in rows:
        values.setdefault(row.entry, []).append(dataclasses.astuple(row.scores))
    means = [Scores(*np.mean(scores, axis=0).tolist()) for scores in values.values()]
    return [RankedEntry(*parts) for parts in zip(values, means, _mean_ranks(means), strict=True)]


def write_rows(path: Path, rows: Iterable[Row], variant: str) -> None:
    """Write CSV with the columns name, image, variant and the metrics: one line a picture, full precision, no means.

    Whoever reads the file groups by name; lines of another kind among them would spoil their sums.
    variant: the name of the one that the rows were scored by.
    """
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("name", "image", "variant", *(metric.name for metric in METRICS)))
        writer.writerows((row.entry, row.image, variant, *dataclasses.astuple(row.scores)) for row in rows)


def _some(stems: Collection[str]) -> str:
    first = sorted(stems)[:3]
    return ", ".join(first) + (f" and {len(stems) - 3} others" if len(stems) > 3 else "")


def _scored(picture: FusedPicture, scorer: Scorer, thermal: InfraredStills) -> Row:
    fused, visible = (read_gray(path) for path in (picture.path, picture.sources.visible))
    infrared = thermal.levels(picture.sources.infrared)[:, :, 0]
    if not fused.shape == infrared.shape == visible.shape:
        again = "Fuse again at the size of the sources: resizing changes every metric."
        laid = "Give infrared pictures that lie on the visible ones; coconet bench --frames and verify lay them there."
        raise CoconetError(
            picture.path,
            wanted="fused, infrared and visible pictures of one size",
            got=", ".join(f"{pixels.shape[1]} x {pixels.shape[0]}" for pixels in (fused, infrared, visible)),
            remedy=again if infrared.shape == visible.shape else laid,
        )
    return Row(picture.entry, Path(picture.sources.name).stem, scorer(fused, infrared, visible))


def _mean_ranks(means: Sequence[Scores]) -> list[float]:
    table = np.array([[metric.merit(getattr(mean, metric.name)) for metric in RANKED] for mean in means])
    better = (table[None] > table[:, None]).sum(axis=1)
    equal = (table[None] == table[:, None]).sum(axis=1)
    ranks = better + (equal + 1) / 2
    return [float(rank) for rank in ranks.mean(axis=1)]
