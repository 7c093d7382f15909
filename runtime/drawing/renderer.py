"""The renderer: the picture of a fused frame in a look, the same for a page, a window, a file and a stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from coconet.errors import CoconetError
from coconet.media.palettes.palette import SHOWN, Palette, named_palette
from coconet.media.pixels import Pixels
from coconet.runtime.badge import add_alarms, add_badge
from coconet.runtime.drawing.colour_bar import draw_colour_bar
from coconet.runtime.drawing.overlay import Clocks, draw_overlay
from coconet.runtime.frame import FusedFrame
from coconet.runtime.look import Look
from coconet.runtime.views.kinds import VIEWS
from coconet.runtime.views.scene import Scene

_OF_ALL = ("show", "meters", "overlay")
"""Keys that every view knows."""


@dataclass(frozen=True)
class Renderer:
    """Draws looks; any thread may ask, but not the one that fuses.

    palettes: of the user, by their names. name: what overlays call the rig. clocks: tell the age and the time of day.
    """

    palettes: Mapping[str, Palette] = field(default_factory=dict)
    name: str = ""
    clocks: Clocks = field(default_factory=Clocks)

    def draw(self, frame: FusedFrame, look: Look, alarms: Sequence[str] = ()) -> Pixels:
        """The picture of a look, (H, W, 3) BGR or (H, W, 1) gray, uint8; it may be pixels of the frame itself.

        A camera that is missing is black, or, where a view needs both, the fused picture is shown; the pair's notice
        stands on every picture. alarms: the names of those that are on, for a bar.
        Raises CoconetError for a palette that nobody knows.
        """
        kind, pair = VIEWS[look.show], frame.pair
        scene = Scene(frame, look, self._palette(look))
        if kind.needs & pair.missing:
            picture = frame.pixels  # which says what is missing
        else:
            picture = kind.draw(scene)
            if pair.notice and look.show != "fused":
                picture = add_badge(picture, pair.notice)
        if not kind.labels_itself:
            picture = scene.labelled(picture)
        if look.colour_bar and "colour_bar" in kind.keys and "infrared" not in pair.missing:
            picture = draw_colour_bar(picture, scene.palette, pair, look.overlay.size)
        if look.overlay.show:
            picture = draw_overlay(picture, frame, look.overlay, self.name, self.clocks)
        return add_alarms(picture, alarms)

    def normal(self, look: Look) -> Look:
        """The look without what its view does not show: looks that come to the same picture become equal."""
        known = {*_OF_ALL, *VIEWS[look.show].keys}
        return Look.model_construct(**{key: value for key, value in _keys(look).items() if key in known})

    def check(self, look: Look) -> None:
        """Refuse a look in a palette that nobody knows."""
        self._palette(look)

    def names(self) -> list[str]:
        """The palettes there are."""
        return [*SHOWN, *self.palettes]

    def palette(self, name: str) -> Palette:
        """A palette by its name. Raises CoconetError if nobody knows it."""
        if name in self.palettes:
            return self.palettes[name]
        if name not in SHOWN:
            known = ", ".join(self.names())
            raise CoconetError(
                "colours",
                wanted=known,
                got="another name",
                remedy="Choose one of them.",
                says=f"must be one of {known}",
            )
        return named_palette(name)

    def _palette(self, look: Look) -> Palette:
        palette = self.palette(look.colours)
        return palette.turned() if look.reversed else palette


def _keys(look: Look) -> dict[str, Any]:
    return {key: getattr(look, key) for key in type(look).model_fields}
