"""How much of the cameras' noise models pass on where a scene is dark and flat.

python -m coconet.benchmarks.studies.night.noise_gain lite coconet pyramid
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rich.table import Table

from coconet.benchmarks.studies.night.darkness import Luma
from coconet.progress.board import working
from coconet.runtime.api.model import load
from coconet.terminal.console import Console

LEVELS = (8, 16, 32, 64)
"""Of both sides, before the noise."""

SIDES = ((2.0, 2.0), (2.0, 0.5), (0.5, 2.0))
"""Deviations of the noise on the visible and on the infrared side, in levels of 0..255."""

SIZE = (480, 640)


def noisy(level: float, deviation: float, seed: int) -> Luma:
    """A flat picture of SIZE with white noise, in whole levels."""
    drawn = np.random.default_rng(seed).normal(level, deviation, SIZE)
    picture: Luma = np.clip(np.rint(drawn), 0, 255).astype(np.uint8)
    return picture


def noise_gain(fused: NDArray[np.uint8], visible: Luma, infrared: Luma) -> float:
    """The deviation of a fused flat scene over that of its noisier source: (H, W) each; 0.7 is that of the mean."""
    return float(fused.std() / max(visible.std(), infrared.std()))


def measure(models: Annotated[list[str], typer.Argument(help="Words, checkpoints or ONNX files.")]) -> None:
    """Print the gain of every model at each of LEVELS, for the noise of SIDES."""
    heads = (f"{visible:g} and {infrared:g}" for visible, infrared in SIDES)
    table = Table("model", "level", *heads, box=None, title="noise, visible and infrared", title_justify="left")
    with working("fusing noise", len(models) * len(LEVELS)) as work:
        for name in models:
            fuse = load(name)
            for level in LEVELS:
                pairs = [(noisy(level, visible, 1), noisy(level, infrared, 2)) for visible, infrared in SIDES]
                gains = [noise_gain(fuse(*pair).squeeze(), *pair) for pair in pairs]
                table.add_row(name, str(level), *(f"{gain:.2f}" for gain in gains))
                work.advance()
    Console(width=100).print(table)


if __name__ == "__main__":
    typer.run(measure)
