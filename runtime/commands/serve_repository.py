"""The command `coconet serve-repository`: models become a repository that Triton reads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from coconet.cli import OverwriteOption
from coconet.runtime.serving.model_config import Processor
from coconet.terminal.console import Console


def serve_repository(
    models: Annotated[list[str], typer.Argument(metavar="MODEL...", help=".onnx and .engine files, or words.")],
    out: Annotated[
        Path, typer.Option("--out", help="Write the repository into this folder, which may hold other models.")
    ],
    version: Annotated[int, typer.Option("--version", min=1, help="Give these models this version number.")] = 1,
    instances: Annotated[
        int, typer.Option("--instances", min=1, help="Run N copies of each model on a processor.")
    ] = 1,
    processor: Annotated[
        Processor, typer.Option("--processor", help="Run the models on this; auto leaves it to the server.")
    ] = "auto",
    overwrite: OverwriteOption = False,
) -> None:
    """Write a model repository for Triton, from the cards of the models: config.pbtxt, versions and files."""
    from coconet.errors import Refused
    from coconet.runtime.serving.model_config import Instances
    from coconet.runtime.serving.repository import served_model, write_repository

    served = [served_model(model) for model in models]
    names = [model.name for model in served]
    for name in names:
        if names.count(name) > 1:
            raise Refused(
                name,
                wanted="models with a name each",
                got="two of one name",
                remedy="Rename one file.",
                says="is the name of two models",
            )
    places = write_repository(served, out, version, Instances(instances, processor), overwrite=overwrite)
    for model, place in zip(served, places, strict=True):
        Console().print(f"{model.name}: {place}", soft_wrap=True, highlight=False)
