"""Scored pairs: every fusion of a pair scored against it, in the order of the pairs."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from coconet.errors import CoconetError
from coconet.media.pixels import Pixels, as_gray
from coconet.metrics.gray import Gray
from coconet.metrics.scoreboard import Row, Scorer
from coconet.runtime.frame import FramePair
from coconet.runtime.scoring.fused import Fused
from coconet.runtime.scoring.worst_pictures import Scored

WORKERS = 2

_AHEAD = 4  # pictures that wait to be scored: a video's are not all held at once


@dataclass(frozen=True)
class ScoredPart:
    """Which pairs are scored: every `step`-th of the first `limit`, None being all."""

    step: int = 1
    limit: int | None = None

    def count(self, pairs: int | None) -> int | None:
        """How many of `pairs` are taken; None if that is not known."""
        shorter = [number for number in (pairs, self.limit) if number is not None]
        return len(range(0, min(shorter), self.step)) if shorter else None


def score_pairs(
    pairs: Iterable[FramePair], fusions: Sequence[Fused], scorer: Scorer, part: ScoredPart | None = None
) -> Iterator[Scored]:
    """Score each fusion of each pair, pair after pair, two at a time.

    pairs: as a stream of recordings gives them, both sides of one size; those with a misfit are left out, as a run
    leaves them out. scorer: a variant's. Each row comes with its pair and its picture.
    Raises CoconetError for the first picture that cannot be scored, and if pairs and pictures do not end together.
    """
    part = part or ScoredPart()
    # Threads: NumPy and SciPy let go of the interpreter in their loops, and a process takes seconds to start.
    with ThreadPoolExecutor(WORKERS) as pool:
        pending = deque[Future[Scored]]()
        try:
            for entry, pair, (where, pixels) in _matched(pairs, fusions, part):
                pending.append(pool.submit(_scored, entry, pair, where, pixels, scorer))
                if len(pending) >= _AHEAD:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _matched(
    pairs: Iterable[FramePair], fusions: Sequence[Fused], part: ScoredPart
) -> Iterator[tuple[str, FramePair, tuple[str, Pixels]]]:
    count = 0
    for count, pair in enumerate(islice((pair for pair in pairs if pair.misfit is None), part.limit), 1):
        for fused in fusions:
            if (count - 1) % part.step:
                fused.leave_out(pair)
            else:
                yield fused.entry, pair, fused.picture_of(pair)
    if count != part.limit:
        for fused in fusions:
            fused.check_end(count)


def _scored(entry: str, pair: FramePair, where: str, pixels: Pixels, scorer: Scorer) -> Scored:
    fused, infrared, visible = (_luma(side) for side in (pixels, pair.infrared.pixels, pair.visible.pixels))
    if not fused.shape == infrared.shape == visible.shape:
        sizes = [f"{plane.shape[1]} x {plane.shape[0]}" for plane in (fused, infrared, visible)]
        raise CoconetError(
            where,
            wanted="fused, infrared and visible pictures of one size",
            got=", ".join(sizes),
            remedy="Fuse again at the size of the sources: resizing changes every metric.",
            says="has a fused, infrared and visible picture of different sizes: {}, {} and {}".format(*sizes),
        )
    frame = pair.visible
    row = Row(entry, Path(frame.name).stem or f"{frame.index:06d}", scorer(fused, infrared, visible))
    return row, pair, pixels


def _luma(pixels: Pixels) -> Gray:
    return as_gray(pixels)[:, :, 0]
