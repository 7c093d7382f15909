"""The shapes that an engine takes: of every input the smallest, the best and the largest."""

from __future__ import annotations

from coconet.cards.frame_size import FrameSize, SizeProfile
from coconet.cards.model_card import INFRARED, ModelCard

Shape = tuple[int, int, int, int]
"""(B, H, W, C)."""

INFRARED_SIZES = SizeProfile(FrameSize(24, 32), FrameSize(512, 640), FrameSize(1024, 1280))
"""Of a model that lays the infrared picture itself: from the smallest thermal sensors to the largest."""


def input_ranges(card: ModelCard, sizes: SizeProfile | None) -> dict[str, tuple[Shape, Shape, Shape]]:
    """The smallest, best and largest shape of every input, by name; a side that the graph fixes stays as it is.

    sizes: of the frames, None for a model of one size. Empty if all shapes are fixed. An infrared picture of its own
    size may be as small and as large as thermal sensors are, and as the visible one.
    """
    if sizes is None and card.form != "warped":
        return {}
    visible = [_fixed(card, size) for size in _ends(sizes)]
    return {
        name: _shapes(card.batch, _widened(visible) if (name, card.form) == (INFRARED, "warped") else visible, depth)
        for name, depth in card.input_depths.items()
    }


def _ends(sizes: SizeProfile | None) -> list[FrameSize | None]:
    return [None] * 3 if sizes is None else [sizes.minimum, sizes.optimum, sizes.maximum]


def _fixed(card: ModelCard, size: FrameSize | None) -> FrameSize:
    height, width = (size.height_px, size.width_px) if size is not None else (1, 1)
    return FrameSize(card.height_px or height, card.width_px or width)


def _widened(visible: list[FrameSize]) -> list[FrameSize]:
    """The sizes of thermal sensors, and those of the visible pictures where they go beyond."""
    least, best, most = INFRARED_SIZES.minimum, INFRARED_SIZES.optimum, INFRARED_SIZES.maximum
    first, last = visible[0], visible[-1]
    smallest = FrameSize(min(least.height_px, first.height_px), min(least.width_px, first.width_px))
    largest = FrameSize(max(most.height_px, last.height_px), max(most.width_px, last.width_px))
    return [smallest, best, largest]


def _shapes(batch: int, sizes: list[FrameSize], depth: int) -> tuple[Shape, Shape, Shape]:
    smallest, best, largest = ((batch, size.height_px, size.width_px, depth) for size in sizes)
    return smallest, best, largest
