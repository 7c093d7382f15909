"""A tile plan: where the parts of one size lie in a large picture, and which pixels of each are kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coconet.media.pixels import RawPixels


@dataclass(frozen=True)
class Cut:
    """A part of one side of a picture. begin, end: where it lies in the padded picture, whose margin is `margin`.

    kept_from, kept_to: what of it is kept, in the padded picture. size: of the side that is not padded.
    """

    begin: int
    end: int
    kept_from: int
    kept_to: int
    margin: int
    size: int

    @property
    def place(self) -> slice:
        """What the kept pixels are in the picture."""
        return slice(max(0, self.kept_from - self.margin), min(self.size, self.kept_to - self.margin))

    @property
    def within(self) -> slice:
        """The same in the part."""
        shift = self.margin - self.begin
        return slice(self.place.start + shift, self.place.stop + shift)

    @property
    def source(self) -> slice | NDArray[np.intp]:
        """The pixels that it is made of: a stretch of the picture, or with the reflection that padding adds."""
        begin, end = self.begin - self.margin, self.end - self.margin
        if begin >= 0 and end <= self.size:
            return slice(begin, end)
        return reflected(np.arange(begin, end), self.size)


def reflected(places: NDArray[np.intp], size: int) -> NDArray[np.intp]:
    """Places before 0 and behind a side of this size, turned back at its ends, whose pixels stand once."""
    last = size - 1
    return np.asarray(last - np.abs(last - np.abs(places)), np.intp)


def padding(size: int, multiple: int) -> tuple[int, int]:
    """How long a side is once it is padded to a multiple, and how much of that stands before it."""
    padded = -(-size // multiple) * multiple
    return padded, 0 if padded == size else padded // 2 - (size + 1) // 2


@dataclass(frozen=True)
class TilePlan:
    """The parts of a picture, in rows: all of `height_px` x `width_px`."""

    height_px: int
    width_px: int
    rows: tuple[Cut, ...]
    columns: tuple[Cut, ...]

    def __len__(self) -> int:
        return len(self.rows) * len(self.columns)

    def __iter__(self) -> Iterator[tuple[Cut, Cut]]:
        return ((row, column) for row in self.rows for column in self.columns)


def cut_out(pixels: RawPixels, row: Cut, column: Cut) -> RawPixels:
    """The pixels of a part, contiguous, and nothing else copied."""
    down, right = row.source, column.source
    if isinstance(down, slice) or isinstance(right, slice):
        return np.ascontiguousarray(pixels[down][:, right] if isinstance(down, slice) else pixels[:, right][down])
    return np.ascontiguousarray(pixels[np.ix_(down, right)])


def plan_of(size_px: tuple[int, int], overlap_px: int, multiple: int, most_px: int) -> TilePlan | None:
    """Cut a picture of (height, width) so that the parts have at most `most_px` pixels each, and the fewest in all.

    overlap_px: how far around what is kept a part reaches. multiple: to which the network pads both sides, and its
    strides fit. None if no part is small enough.
    """
    overlap = -(-overlap_px // multiple) * multiple
    best: TilePlan | None = None
    for count in range(1, size_px[0] // multiple + 2):
        rows = _cuts(size_px[0], count, overlap, multiple)
        if rows is None or (columns := _columns(size_px[1], rows[0], overlap, multiple, most_px)) is None:
            continue
        plan = TilePlan(rows[0].end - rows[0].begin, columns[0].end - columns[0].begin, rows, columns)
        if best is not None and count > 2 and _work(plan) > 2 * _work(best):
            break  # ever narrower parts are ever more overlap
        best = plan if best is None or _work(plan) < _work(best) else best
    return best


def _work(plan: TilePlan) -> int:
    return len(plan) * plan.height_px * plan.width_px


def _columns(size: int, row: Cut, overlap: int, multiple: int, most_px: int) -> tuple[Cut, ...] | None:
    """The fewest parts of a width that keeps the pixels within bounds; None if there is no such width."""
    side = most_px // (row.end - row.begin) // multiple * multiple
    padded, _ = padding(size, multiple)
    if side >= padded:
        return _cuts(size, 1, overlap, multiple)
    kept = side - 2 * overlap
    return None if kept < multiple else _cuts(size, -(-(padded - 2 * overlap) // kept), overlap, multiple)


def _cuts(size: int, count: int, overlap: int, multiple: int) -> tuple[Cut, ...] | None:
    """A side in a number of parts of one length, as short as they can be; None if fewer would be as short."""
    padded, margin = padding(size, multiple)
    if count == 1:
        return (Cut(0, padded, 0, padded, margin, size),)
    kept = -(-(padded - 2 * overlap) // (count * multiple)) * multiple
    side = kept + 2 * overlap
    if kept < multiple or side >= padded or (count - 1) * kept + 2 * overlap >= padded:
        return None
    begins = [*(kept * number for number in range(count - 1)), padded - side]
    ends = [begin + overlap for begin in begins[1:]]
    bounds = [0, *ends, padded]
    return tuple(
        Cut(begin, begin + side, bounds[number], bounds[number + 1], margin, size)
        for number, begin in enumerate(begins)
    )
