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
    """

    overlap_px: int
    bytes_per_px: int
    room: bool = False

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


OF_LITE = Tiling(overlap_px=53, bytes_per_px=110, room=True)

KNOWN: Mapping[str, Tiling] = {"lite": OF_LITE}
"""Networks whose cards from before this was noted need not say it: their graphs do not depend on the release."""
