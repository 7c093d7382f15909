"""How much colour the pictures of models lose, and what other ways to join luma and colour would keep.

python -m coconet.benchmarks.studies.colour.saturation data --models lite,coconet
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple, fields
from itertools import islice
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.table import Table

from coconet.benchmarks.studies.colour.merges import MERGES
from coconet.media.pixels import nearest_luma
from coconet.metrics.colour import ColourScores, score_colour
from coconet.runtime.api.model import load
from coconet.runtime.frame import FramePair
from coconet.runtime.rig.open_rig import open_rig
from coconet.runtime.rig.rig_file import Rig
from coconet.terminal.console import Console

SETS = {"roadscene": ("vis", "ir"), "dusk": ("vis", "ir"), "video": ("0117_1605_vis.mp4", "0117_1605_ir.mp4")}
"""Folders with colour, and what their two sides are called."""

AS_IT_IS = "the model"
"""The row of what a model itself gives; the others join the luma that it makes of a gray picture."""

NAMES = tuple(field.name for field in fields(ColourScores))


def measure(
    data: Annotated[Path, typer.Argument(help=f"A folder with some of {', '.join(SETS)}.")],
    models: Annotated[str, typer.Option("--models", help="Words or files, with commas between.")] = "lite",
    frames: Annotated[int, typer.Option("--frames", min=1, help="Pairs of each set at most, evenly spread.")] = 15,
) -> None:
    """Print a table for every model: one row for each set and each way to join."""
    console = Console(width=120)
    for model in models.split(","):
        table = Table("set", "merge", *NAMES, box=None, title=model)
        for name, sides in SETS.items():
            if (data / name).is_dir():
                for merge, scores in _means(data / name, sides, model, frames).items():
                    table.add_row(name, merge, *(f"{value:.3f}" for value in scores))
        console.print(table)


def _means(folder: Path, sides: tuple[str, str], model: str, frames: int) -> dict[str, list[float]]:
    """The mean scores of the model and of every merge over the pairs that have colour."""
    found: dict[str, list[tuple[float, ...]]] = {merge: [] for merge in (AS_IT_IS, *MERGES)}
    with load(model) as fuse:
        for pair in _spread(folder, sides, frames):
            seen, thermal = pair.visible.pixels, pair.infrared.pixels
            found[AS_IT_IS].append(astuple(score_colour(fuse(seen, thermal), seen, thermal)))
            luma = fuse(nearest_luma(seen), thermal).astype(np.float32)
            for merge, join in MERGES.items():
                found[merge].append(astuple(score_colour(join(seen, luma), seen, thermal)))
    return {merge: np.nanmean(rows, axis=0).tolist() for merge, rows in found.items()}


def _spread(folder: Path, sides: tuple[str, str], frames: int) -> Iterator[FramePair]:
    rig = Rig.from_addresses(*(folder / side for side in sides))
    with open_rig(rig) as pairs:
        step = max(1, (pairs.frames_expected or frames) // frames)
        yield from islice(pairs, 0, step * frames, step)


if __name__ == "__main__":
    typer.run(measure)
