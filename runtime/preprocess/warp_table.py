"""The alignment as a model takes it: a table of where every visible pixel lies in the infrared picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from coconet.errors import CoconetError
from coconet.media.pixels import Pixels
from coconet.runtime.preprocess.fit import Fitted, Placement, SizePx, size_text
from coconet.runtime.preprocess.warp import Alignment, laid_points

Table = NDArray[np.float32]
"""(1, H, W, 2), x and y in infrared pixels."""


def warp_table(alignment: Alignment, size_px: SizePx) -> Table:
    """The input `warp` for visible pictures of (width, height): (1, H, W, 2), x and y in infrared pixels."""
    return laid_points(alignment, size_px)[None]


class WarpTable:
    """The table of one alignment and one pair of sizes at a time; the same object until one of these changes."""

    def __init__(self) -> None:
        """Begin with pictures that lie on each other."""
        self._placement = Placement(Alignment())
        self._made: tuple[Alignment, SizePx, Table] | None = None

    def align(self, alignment: Alignment | None) -> None:
        """Take another alignment; None: infrared pictures lie on the visible ones already."""
        alignment = alignment or Alignment()
        if alignment != self._placement.alignment:
            self._placement = Placement(alignment)

    def table_for(self, visible: Pixels, infrared: Pixels, where: object) -> Table:
        """The table for pictures (H, W, C) and (h, w, 1), the alignment scaled to them.

        Raises CoconetError, about `where`, for unequal sizes without an alignment, and for other proportions than it
        was found for.
        """
        size_px, infrared_px = ((pixels.shape[1], pixels.shape[0]) for pixels in (visible, infrared))
        by = self._placement.laid_by(infrared_px, size_px, f"{where}, infrared frame")
        if isinstance(by, Fitted):
            raise CoconetError(
                f"{where}, infrared frame",
                wanted=f"{size_text(size_px)} (width x height) like the visible frame, as no alignment is known",
                got=size_text(infrared_px),
                remedy="Align the two cameras with coconet align, or scale one of them.",
                says=f"is {size_text(infrared_px)} and the visible frame {size_text(size_px)} (width x height), and "
                "no alignment is known",
            )
        alignment = by or Alignment()
        if self._made is None or self._made[:2] != (alignment, size_px):
            self._made = (alignment, size_px, warp_table(alignment, size_px))
        return self._made[2]
