"""How good models are by day and by night, set by set, beside the Laplacian pyramid.

python -m coconet.benchmarks.studies.night.by_set data lite lite-int8
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import typer
from rich.progress import track
from rich.table import Table

from coconet.benchmarks.studies.night.bounds import newly_clipped, outside
from coconet.benchmarks.studies.night.darkness import STRENGTHS, Pair
from coconet.media.image import read_gray
from coconet.media.pairs import paired_folder
from coconet.metrics import fusion
from coconet.runtime.api.model import load
from coconet.terminal.console import Console

METRICS = {
    "EN": lambda fused, infrared, visible: fusion.entropy(fused),
    "SD": lambda fused, infrared, visible: fusion.standard_deviation(fused),
    "SCD": fusion.scd,
    "VIF": fusion.vif,
    "Qabf": fusion.qabf,
    "SSIM": fusion.ssim,
}


class PairSet(NamedTuple):
    """Pairs of a folder. pattern: their names. by_night: of how many of them one is darkened as well."""

    folder: str
    pattern: str
    by_night: int


SETS = (PairSet("tno", "*", 5), PairSet("roadscene", "*", 5), PairSet("dusk", "0115_1847_*[068].*", 1))
"""Of dusk the clip that no network was trained on, without the second of its neighbouring frames."""


def measure(
    data: Annotated[Path, typer.Argument(help="The folder of the sets.")],
    models: Annotated[list[str], typer.Argument(help="Words, checkpoints or ONNX files.")],
) -> None:
    """Print the means of every set for every model, and the worst picture's share of pixels out of bounds."""
    console = Console(width=140)
    table = Table("set", "model", *METRICS, "outside, at worst", "clipped, at worst", box=None)
    fusers = {name: load(name) for name in (*models, "pyramid")}
    for name, pairs in track(list(all_sets(data)), console=Console(stderr=True), transient=True):
        for model, fuse in fusers.items():
            found = np.array([_figures(fuse(*pair), *pair) for pair in pairs])
            means, worst = found[:, : len(METRICS)].mean(axis=0), found[:, len(METRICS) :].max(axis=0)
            table.add_row(name, model, *(f"{mean:.3f}" for mean in means), *(f"{share:.2%}" for share in worst))
    console.print(table)


def all_sets(data: Path) -> Iterator[tuple[str, list[Pair]]]:
    """Every set of `data` that is there, by day and under each of STRENGTHS."""
    for one in SETS:
        if not (data / one.folder).is_dir():
            continue
        paired = [pair for pair in paired_folder(data / one.folder) if fnmatchcase(pair.name, one.pattern)]
        pairs = [(read_gray(pair.visible), read_gray(pair.infrared)) for pair in paired]
        yield one.folder, pairs
        for strength, darkness in STRENGTHS.items():
            darker = [darkness.of(pair, seed) for seed, pair in enumerate(pairs[:: one.by_night])]
            yield f"{one.folder}, {strength}", darker


def _figures(fused: np.ndarray, visible: np.ndarray, infrared: np.ndarray) -> list[float]:
    fused = fused.squeeze()
    scores = [metric(fused, infrared, visible) for metric in METRICS.values()]
    return [*scores, outside(fused, visible, infrared), newly_clipped(fused, visible, infrared)]


if __name__ == "__main__":
    typer.run(measure)
