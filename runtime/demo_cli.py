"""The command `coconet demo`: no camera, no GPU, no download; a fused video, a picture and a report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def demo(
    out: Annotated[Path, typer.Option("--out", help="The folder that takes the results.")] = Path("demo"),
    model: Annotated[str, typer.Option("--model", help="What `coconet run` takes.")] = "lite",
    seconds: Annotated[float, typer.Option("--seconds", min=0.1, help="How long the stream is.")] = 10.0,
) -> None:
    """Fuse a painted rig with the shipped network and say where the results are."""
    from rich.console import Console

    from runtime.demo import run_demo

    report, files = run_demo(out, model, seconds)
    console = Console(soft_wrap=True)
    console.print(report.to_table())
    for path in (files.video, files.picture, files.report):
        console.print(path, highlight=False)
