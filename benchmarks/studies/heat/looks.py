"""Pictures of all views, palettes and five heats, from the synthetic street: views.jpg, palettes.jpg and heats.jpg.

python -m coconet.benchmarks.studies.heat.looks docs
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from coconet.media.image import write_picture
from coconet.media.palettes.palette import SHOWN
from coconet.media.panel import Captioned, contact_sheet, sheet_of_row
from coconet.media.pixels import Pixels
from coconet.runtime.api.model import load
from coconet.runtime.backends.rules.baseline import BaselineBackend
from coconet.runtime.drawing.renderer import Renderer
from coconet.runtime.frame import FusedFrame
from coconet.runtime.look import Look
from coconet.runtime.rig.open_rig import open_rig
from coconet.runtime.rig.rig_file import Rig
from coconet.runtime.views.names import VIEW_NAMES

SYNTHETIC = "synthetic://?width=640&height=480&fps=25"

AFTER = 40
"""Frames, until a person walks in front."""

KEYS: dict[str, dict[str, Any]] = {
    "isotherm": {"isotherm": {"above": 18, "between": [8, 11], "below": -8}},
    "inset": {"colours": "ironbow"},
    "split": {"colours": "ironbow", "split": 0.5},
    "side-by-side": {"colours": "ironbow"},
    "blend": {"colours": "ironbow"},
    "edges": {"colours": "ironbow", "edges": {"strength": 2}},
}
"""How each view is shown; the others as they are."""

_PAPER = 24  # the level of what is empty, as in every sheet

COLUMN_PX, COLUMNS = 320, {"views": 5, "palettes": 3, "heats": 5}

HEATS = (0, 25, 50, 75, 100)


def main() -> None:
    """Write the three pictures into the folder that is given."""
    if len(sys.argv) != 2:
        raise SystemExit("usage: python -m coconet.benchmarks.studies.heat.looks FOLDER")
    folder, frame = Path(sys.argv[1]), street_frame()
    for name, draw in (("views", views_of), ("palettes", palettes_of), ("heats", heats_of)):
        sheet = draw(frame)
        write_picture(folder / f"{name}.jpg", sheet)
        print(folder / f"{name}.jpg")


def street_frame(size: str = SYNTHETIC) -> FusedFrame:
    """A fused frame of the synthetic street, whose infrared camera gives counts of a Lepton, with its temperatures."""
    rig = Rig.model_validate(
        {
            "visible": {"address": size},
            "infrared": {"address": f"{size}&counts=true", "temperature": {"scheme": "lepton"}},
        }
    )
    with open_rig(rig) as pairs:
        pair = next(islice(pairs, AFTER, None))
    return FusedFrame(BaselineBackend("pyramid").fuse(pair.visible.pixels, pair.infrared.pixels), pair, 1.0)


def views_of(frame: FusedFrame) -> Pixels:
    """Every view under its name."""
    return _sheet([(view, Look().changed(show=view, **KEYS.get(view, {}))) for view in VIEW_NAMES], frame, "views")


def palettes_of(frame: FusedFrame) -> Pixels:
    """The infrared picture in every palette, with its bar; ordered ones say so."""
    renderer = Renderer()
    looks = [(f"{name}{', ordered' if renderer.palette(name).is_ordered else ''}", _in_colours(name)) for name in SHOWN]
    return _sheet(looks, frame, "palettes")


def heats_of(frame: FusedFrame) -> Pixels:
    """The pair of a frame, fused by the small network, from the visible picture alone to the most heat."""
    seen, thermal = frame.pair.visible.pixels, frame.pair.infrared.pixels
    with load("lite") as fuse:
        cells = [Captioned(str(heat), fuse(seen, thermal, heat=heat)) for heat in HEATS]
    return sheet_of_row(cells, COLUMN_PX)


def _in_colours(name: str) -> Look:
    return Look().changed(show="infrared", colours=name, colour_bar=True, overlay={"size": 1.4})


def _sheet(looks: Sequence[tuple[str, Look]], frame: FusedFrame, kind: str) -> Pixels:
    renderer, columns = Renderer(), COLUMNS[kind]
    pictures = [Captioned(text, renderer.draw(frame, look)) for text, look in looks]
    height = round(COLUMN_PX * frame.pixels.shape[0] / frame.pixels.shape[1])
    cells = [_of_height(one, height) for one in pictures]
    empty = Captioned("", np.full_like(cells[0].pixels, _PAPER))
    cells += [empty] * (-len(cells) % columns)  # the last row may have fewer
    return contact_sheet([cells[at : at + columns] for at in range(0, len(cells), columns)], COLUMN_PX)


def _of_height(one: Captioned, height: int) -> Captioned:
    """A picture as wide as its column, or, side by side, with bars of gray above and below."""
    import cv2

    own = round(COLUMN_PX * one.pixels.shape[0] / one.pixels.shape[1])
    small = np.asarray(cv2.resize(one.pixels, (COLUMN_PX, own), interpolation=cv2.INTER_AREA), np.uint8)
    small = small.reshape(own, COLUMN_PX, -1)
    above = (height - own) // 2
    padded = np.pad(small, ((above, height - own - above), (0, 0), (0, 0)), constant_values=_PAPER)
    return Captioned(one.text, padded)


if __name__ == "__main__":
    main()
