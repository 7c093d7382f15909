"""The command `coconet demo`: a synthetic rig fused with a shipped network, left as a video, a picture and a report."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from coconet.cli import OverwriteOption
from coconet.commands.__main__ import Stopped
from coconet.errors import CoconetError
from coconet.files import check_outputs, make_folder, whole_file
from coconet.media.pixels import Pixels
from coconet.model_names import DEFAULT_MODEL, model_path
from coconet.pages.browser import open_page
from coconet.runtime.backends.choice import choose_backend
from coconet.runtime.frame import FusedFrame
from coconet.runtime.loop.pipeline import Ending
from coconet.runtime.loop.run import run_rig
from coconet.runtime.loop.run_report import RunReport
from coconet.runtime.loop.run_stats import RunStats
from coconet.runtime.rig.live_settings import AdjustableRig
from coconet.runtime.rig.rig_file import Rig
from coconet.runtime.sinks.open_sink import Output
from coconet.runtime.threads.stop_signals import stopped_by_signals


def side_by_side(frame: FusedFrame) -> Pixels:
    """Three pictures of (H, W) as one, (H + 24, 3 W + 8, 3) BGR uint8; colours as they are in the frame."""
    from coconet.media.panel import CAPTIONS, captioned_row

    return captioned_row((frame.pair.laid_infrared, frame.pair.visible.pixels, frame.pixels), CAPTIONS)


FPS = 25

CAMERA = f"synthetic://?fps={FPS}&width=640&height=480&seed=1&jitter_ms=6"
"""Both cameras; real ones do not expose at the same moment either, so each frame is up to 6 ms late."""


@dataclass(frozen=True)
class DemoFiles:
    """What a demonstration leaves in its folder."""

    video: Path
    picture: Path
    report: Path

    @classmethod
    def within(cls, folder: Path) -> DemoFiles:
        """Name the files of a folder."""
        return cls(folder / "fused.mp4", folder / "demo.png", folder / "report.md")


class MiddleFrame:
    """Keeps one frame of a run: the one of this number, or the last one where the run ended before."""

    def __init__(self, number: int) -> None:
        self._number, self._seen = number, 0
        self._kept: deque[FusedFrame] = deque(maxlen=1)

    def __call__(self, frame: FusedFrame) -> None:
        """Look at the next frame."""
        if self._seen <= self._number:
            self._kept.append(frame)
        self._seen += 1

    @property
    def frame(self) -> FusedFrame:
        """The frame; at least one must have been seen."""
        return self._kept[0]


def run_demo(
    folder: Path, model: Path | str, seconds: float, ending: Ending | None = None, *, overwrite: bool = False
) -> tuple[RunReport, DemoFiles]:
    """Fuse N seconds of the synthetic rig; every frame of it, however long the machine takes for one.

    ending: what ends it before. overwrite: whether the results of an earlier one may be replaced.
    Raises CoconetError for a folder that cannot be made, for results that are there, and for a model that does not fit;
    Stopped if it was stopped before the first frame.
    """
    from coconet.media.image import write_picture

    files, camera = DemoFiles.within(folder), f"{CAMERA}&duration_s={seconds:g}"
    choice = choose_backend(model)
    check_outputs(
        [files.video, files.picture, files.report], inputs=[model_path(model)], overwrite=overwrite, made=[folder]
    )
    make_folder(folder)
    middle = MiddleFrame(round(seconds * FPS / 2))
    tuner = AdjustableRig(Rig.from_addresses(camera, camera))
    report = run_rig(
        tuner, choice, Output(str(files.video), overwrite=overwrite), gauge=RunStats(middle), ending=ending
    )
    if not report.fused:
        if report.interrupted:
            raise Stopped
        raise CoconetError(
            "demo",
            wanted="one fused frame",
            got="none",
            remedy="Allow it more --seconds.",
            says="ended before the first fused frame",
        )
    write_picture(files.picture, side_by_side(middle.frame))
    with whole_file(files.report) as scratch:
        scratch.write_text(_page(report, files))
    return report, files


def _page(report: RunReport, files: DemoFiles) -> str:
    rows = "\n".join(f"| {name} | {value} |" for name, value in report.rows())
    return f"""# coconet demo

A synthetic street, seen by a thermal and a visible camera, {FPS} frames a second each. Every frame was fused,
however long it took; a machine that fuses more than {FPS} frames a second would keep up with live cameras.

![infrared, visible and fused]({files.picture.name})

All frames: [{files.video.name}]({files.video.name})

| | |
|---|---|
{rows}
"""


def demo(
    out: Annotated[Path, typer.Option("--out", help="Write the results into this folder.")] = Path("demo"),
    model: Annotated[
        str, typer.Option("--model", help="Fuse with this model, as `coconet run` takes it.")
    ] = DEFAULT_MODEL,
    seconds: Annotated[float, typer.Option("--seconds", min=0.1, help="Fuse a stream of this many seconds.")] = 10.0,
    opens: Annotated[
        bool, typer.Option("--open", help="Open the picture in a browser; over SSH, say where it is.")
    ] = False,
    overwrite: OverwriteOption = False,
) -> None:
    """Fuse a synthetic rig with the shipped network and say where the results are."""
    from coconet.terminal import Console

    with stopped_by_signals() as stop:
        report, files = run_demo(out, model, seconds, Ending(stop=stop), overwrite=overwrite)
    console = Console(soft_wrap=True)
    console.print(report.to_table())
    for path in (files.video, files.picture, files.report):
        console.print(path, highlight=False)
    if opens:
        open_page(files.picture)
