"""A tile limit: from which size on pictures are fused in parts, and how large a part may be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from coconet.cards.tiling import Tiling
from coconet.errors import Refused
from coconet.installation.kernel_files import bytes_in

SHARE_OF_FREE = 0.25
"""A picture that would take more than this share of the free memory is fused in parts, if nothing else is asked for."""

PART_PX = 1 << 21
"""The pixels of a part then, at most: a few hundred megabytes for a small network, and little of it is overlap."""


def free_bytes() -> int | None:
    """What programs can still take, in bytes, as Linux reckons; None if it does not say."""
    return bytes_in(Path("/proc/meminfo"), "MemAvailable")


@dataclass(frozen=True)
class TileLimit:
    """What is asked for. pixels: of a part, at most; 0: every picture whole; None: as the free memory wants it.

    told_by: the option or the argument that errors name.
    """

    pixels: int | None = None
    told_by: str = field(default="--tile-pixels", compare=False)

    def __post_init__(self) -> None:
        if self.pixels is not None and self.pixels < 0:
            remedy = "Give the pixels of a part, 0 for whole pictures, or leave it out."
            raise Refused(
                self.told_by,
                wanted="0 or more",
                got=str(self.pixels),
                remedy=remedy,
                says=f"must be 0 or more, not {self.pixels}",
            )

    def part_px(self, tiling: Tiling, picture_px: int, free: Callable[[], int | None] = free_bytes) -> int | None:
        """How many pixels a part of a picture of `picture_px` may have; None for a picture that is fused whole."""
        if self.pixels is not None:
            return self.pixels if 0 < self.pixels < picture_px else None
        left = free()
        if left is None or tiling.bytes_per_px * picture_px <= SHARE_OF_FREE * left:
            return None
        return min(PART_PX, max(1, int(SHARE_OF_FREE * left / tiling.bytes_per_px)))


AUTOMATIC = TileLimit()
