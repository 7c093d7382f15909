"""The views by their names, which a command line takes before anything is drawn."""

from __future__ import annotations

from typing import Literal, get_args

View = Literal[
    "fused", "visible", "infrared", "split", "side-by-side", "blend", "edges", "inset", "isotherm", "alignment"
]
"""split: the visible picture left of a line, the infrared one right of it. blend: both through each other. edges: those
of the visible picture over heat. inset: one picture in the other. isotherm: what lies above, below or between
temperatures in colours, the rest gray. alignment: the visible picture in gray under outlines of the infrared one."""

VIEW_NAMES: tuple[View, ...] = get_args(View)
