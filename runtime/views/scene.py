"""What a view draws from, and what every view says about itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from coconet.media.palettes.palette import Palette
from coconet.media.pixels import Pixels, as_bgr
from coconet.runtime.frame import FusedFrame, Side
from coconet.runtime.heat.labels import draw_meters
from coconet.runtime.look import Look


@dataclass(frozen=True)
class Scene:
    """A fused frame, how it is to be shown, and the palette of the infrared picture, the right way round."""

    frame: FusedFrame
    look: Look
    palette: Palette

    @property
    def visible(self) -> Pixels:
        """(H, W, 3) BGR or (H, W, 1) gray."""
        pixels: Pixels = self.frame.pair.visible.pixels
        return pixels

    @property
    def infrared(self) -> Pixels:
        """(H, W, 1), the size of the visible picture and laid onto it."""
        pixels: Pixels = self.frame.pair.laid_infrared
        return pixels

    def coloured(self) -> Pixels:
        """The infrared picture in its palette: (H, W, 3) BGR, or (H, W, 1) in a gray one."""
        return self.palette.apply(self.infrared)

    def side(self, side: Side) -> Pixels:
        """The picture of one camera, infrared in its palette; black of a camera that is missing."""
        if side in self.frame.pair.missing:
            return np.zeros((*self.visible.shape[:2], 3), np.uint8)
        return self.visible if side == "visible" else self.coloured()

    def sides(self) -> tuple[Pixels, Pixels]:
        """The visible and the infrared picture as `side` gives them, both (H, W, 3) BGR."""
        return as_bgr(self.side("visible")), as_bgr(self.side("infrared"))

    def labelled(self, pixels: Pixels) -> Pixels:
        """A picture of the size of the visible one with the meters, if they are to be drawn."""
        heat = self.frame.pair.heat
        return draw_meters(pixels, heat) if self.look.meters and heat is not None and heat.meters else pixels


@dataclass(frozen=True)
class ViewKind:
    """A view.

    caption: what a button says. draw: gives (H, W, 3) BGR or (H, W, 1) gray, uint8, which may be pixels of the frame
    itself. keys: of a look, those that change it, beside those of all views. needs: the cameras without which it shows
    what `fused` shows. labels_itself: whether draw has drawn the meters.
    """

    caption: str
    draw: Callable[[Scene], Pixels]
    keys: tuple[str, ...] = ()
    needs: frozenset[Side] = frozenset()
    labels_itself: bool = False


BOTH: frozenset[Side] = frozenset({"visible", "infrared"})

PALETTE_KEYS = ("colours", "reversed", "colour_bar")
"""Keys of every view that shows the infrared picture in its colours."""


def bgr_of(colour: str) -> tuple[int, int, int]:
    """#rrggbb as B, G, R."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return blue, green, red
