"""The command `coconet train`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from coconet.errors import CoconetError


def train(
    data: Annotated[list[Path], typer.Option(help="A paired folder, or the visible video of a pair; repeatable.")],
    out: Annotated[Path, typer.Option(help="Folder of the run; an interrupted run in it goes on.")],
    network: Annotated[str, typer.Option(help="coconet or lite.")] = "lite",
    steps: Annotated[int, typer.Option(help="Training steps.")] = 4000,
    batch: Annotated[int, typer.Option(help="Crops per step.")] = 16,
    patch: Annotated[int, typer.Option(help="Side of a crop in pixels, a multiple of 16.")] = 128,
    learning_rate: Annotated[float, typer.Option(help="Adam's step size at its highest.")] = 1e-3,
    seed: Annotated[int, typer.Option(help="Same seed, same run.")] = 0,
    encoder: Annotated[Path | None, typer.Option(help="VGG-19 weights of ImageNet, for coconet.")] = None,
) -> None:
    """Train a network on your pairs; call it again to go on after an interruption."""
    from pydantic import ValidationError

    from coconet.data import load_pairs
    from coconet.train import Recipe, Trainer

    try:
        recipe = Recipe(network=network, steps=steps, batch=batch, patch=patch, learning_rate=learning_rate, seed=seed)
    except ValidationError as error:
        first = error.errors()[0]
        raise CoconetError(
            f"--{first['loc'][0]}", wanted=first["msg"], got=repr(first["input"]), remedy="Change that option."
        ) from error
    out.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(recipe, load_pairs(data), out, encoder)
    typer.echo(f"{len(trainer.sampler.pairs)} pairs, {trainer.encoder_note}", err=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("training", total=steps, completed=trainer.step)
        weights = trainer.run(
            lambda step, loss: progress.update(task, completed=step, description=f"training, loss {loss:.3f}")
        )
    typer.echo(f"{weights}: {network} after {steps} steps; log in {out / 'log.csv'}")
