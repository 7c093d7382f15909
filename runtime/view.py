"""Views: the ways in which a fused frame can be shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from coconet.errors import CoconetError

View = Literal["fused", "visible", "infrared", "alignment"]
"""alignment: the visible picture in gray, with the outlines of the infrared one drawn on top."""

Colours = Literal["white-hot", "black-hot", "inferno", "turbo"]
"""How the infrared picture is coloured."""

FirstView = Literal[View, "split"]
"""What a viewer opens with. split: a page lays both cameras side by side, with a slider between them."""

VIEWS: tuple[View, ...] = get_args(View)

COLOURS: tuple[Colours, ...] = get_args(Colours)


@dataclass(frozen=True)
class ViewSettings:
    """A view, and how infrared is coloured in it; looks that come to the same picture are equal.

    meters: whether the meters of the rig are drawn on it.
    """

    view: View = "fused"
    colours: Colours = "white-hot"
    meters: bool = True

    def __post_init__(self) -> None:
        for kind, value, known in (("view", self.view, VIEWS), ("colours", self.colours, COLOURS)):
            if value not in known:
                got = value[:20] if isinstance(value, str) else type(value).__name__
                raise CoconetError(kind, wanted=", ".join(known), got=got, remedy="Choose one of them.")
        if not isinstance(self.meters, bool):
            got = type(self.meters).__name__
            raise CoconetError("meters", wanted="true or false", got=got, remedy="Choose one of them.")
        if self.view != "infrared":
            object.__setattr__(self, "colours", "white-hot")
