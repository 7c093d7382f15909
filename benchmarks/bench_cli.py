"""The command `coconet bench`."""

from __future__ import annotations

from contextlib import ExitStack, closing
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from coconet.engine_card import FrameSize

SCENES = 8
"""Unlike frames that are fused in turn."""


def bench(
    models: Annotated[
        list[str] | None,
        typer.Argument(help="What `coconet run --model` takes; lite and lite-int8 by default."),
    ] = None,
    size: Annotated[str, typer.Option(help="Frame size, HEIGHTxWIDTH.")] = "480x640",
    repeats: Annotated[int, typer.Option(min=1, help="Timed runs of every model.")] = 20,
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the report as JSON.")] = None,
) -> None:
    """Measure the latency of models on painted frames, in turns, and print one table with ratios to the first."""
    from benchmarks.device import this_device
    from benchmarks.measure import Effort, measure
    from benchmarks.report import BenchReport
    from coconet.files import whole_file
    from runtime.backend import open_backend
    from runtime.samples import painted_pairs

    frame = FrameSize.parse(size)
    names = models or ["lite", "lite-int8"]
    effort = Effort(repeats=repeats)
    with ExitStack() as stack:
        opened = [(Path(name).name, stack.enter_context(closing(open_backend(name)))) for name in names]
        pairs = painted_pairs(SCENES, frame.height_px, frame.width_px)
        bar = stack.enter_context(Progress(console=Console(stderr=True), transient=True))
        task = bar.add_task("measuring", total=len(opened) * repeats)
        measurements = measure(opened, pairs, effort, lambda: bar.advance(task))
    report = BenchReport(this_device(), frame.height_px, frame.width_px, tuple(measurements))
    Console().print(report.to_table())
    if json_file:
        with whole_file(json_file) as scratch:
            scratch.write_text(report.to_json() + "\n", encoding="utf-8")
