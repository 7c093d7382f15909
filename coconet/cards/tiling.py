"""Tiling: what has to be known of a network before it may fuse a large picture tile by tile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from coconet.errors import CoconetError


@dataclass(frozen=True)
class Tiling:
    """How a network fuses a picture in parts as if it were whole.

    overlap_px: how far from a pixel of the fused picture what it depends on may lie; in a padded picture, if the
    network pads. bytes_per_px: what a pixel of a picture takes of memory while it is fused whole, on a processor.
    room: whether the parts also depend on the scene of the whole picture, see coconet.networks.scene.
    halved_from_px: from how many pixels on, padding included, a picture is looked at in half its size; None for no such
    size.
    """

    overlap_px: int
    bytes_per_px: int
    room: bool = False
    halved_from_px: int | None = None

    def __post_init__(self) -> None:
        if self.overlap_px < 0 or self.bytes_per_px < 1:
            raise CoconetError(
                "model card, tiling",
                wanted="an overlap of 0 or more pixels, and 1 or more bytes per pixel",
                got=f"{self.overlap_px} and {self.bytes_per_px}",
                remedy="Export the model again with coconet export.",
                says="needs an overlap of 0 or more pixels and 1 or more bytes per pixel, but has "
                f"{self.overlap_px} and {self.bytes_per_px}",
            )

    def reach_px(self, *, halved: bool) -> int:
        """How far what a pixel depends on may lie in a picture that is looked at in half its size, or in another.

        What is decided for 2x2 pixels depends on what lies at most twice as far.
        """
        return 2 * self.overlap_px if halved else self.overlap_px


HALVED_FROM_PX = 1_200_000
"""From how many pixels on `lite` looks at half the size: more detail than that few thermal cameras have, and it was
trained on pictures of 640x480."""

OF_LITE = Tiling(overlap_px=53, bytes_per_px=110, room=True, halved_from_px=HALVED_FROM_PX)

KNOWN: Mapping[str, Tiling] = {"lite": Tiling(overlap_px=45, bytes_per_px=110, room=True)}
"""Networks whose cards from before this was noted need not say it: their graphs do not depend on the release."""
