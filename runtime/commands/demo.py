"""The command `coconet demo`: a synthetic rig fused with a shipped network, left as a video, a picture and a page."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Annotated

import typer

from coconet.cli import OverwriteOption
from coconet.commands.__main__ import Stopped
from coconet.errors import CoconetError
from coconet.files import make_folder, whole_file
from coconet.media.pixels import Pixels
from coconet.model_names import DEFAULT_MODEL, model_path
from coconet.pages.browser import OpenOption, open_page
from coconet.runtime.api.card import read_card
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
from coconet.writing.outputs import check_outputs


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
    page: Path

    @classmethod
    def within(cls, folder: Path) -> DemoFiles:
        """Name the files of a folder."""
        return cls(folder / "fused.mp4", folder / "demo.png", folder / "report.md", folder / "demo.html")

    @property
    def all(self) -> tuple[Path, ...]:
        """All of them."""
        return (self.video, self.picture, self.report, self.page)


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
    check_outputs(files.all, inputs=[model_path(model)], overwrite=overwrite, made=[folder])
    read_card(model)  # before a folder is made for it
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
    for path, text in ((files.report, _report(report, files)), (files.page, _page(report, files))):
        with whole_file(path) as scratch:
            scratch.write_text(text, encoding="utf-8")
    return report, files


_ABOUT = f"""A synthetic street, seen by a thermal and a visible camera, {FPS} frames a second each. Every frame was
fused, however long it took; a machine that fuses more than {FPS} frames a second would keep up with live cameras."""


def _report(report: RunReport, files: DemoFiles) -> str:
    rows = "\n".join(f"| {name} | {value} |" for name, value in report.rows())
    return f"""# coconet demo

{_ABOUT}

![infrared, visible and fused]({files.picture.name})

All frames: [{files.video.name}]({files.video.name})

| | |
|---|---|
{rows}
"""


def _page(report: RunReport, files: DemoFiles) -> str:
    """The same for a browser, without the templates of other pages: the packages that fill them are not needed here.

    A browser that plays no such video shows the picture and the link.
    """
    rows = "\n".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in report.rows())
    return f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>coconet demo</title>
<style>
:root {{ color-scheme: light dark; font-family: system-ui, sans-serif; line-height: 1.5 }}
body {{ max-width: 60rem; margin: 2rem auto; padding: 0 1rem }}
img, video {{ max-width: 100%; height: auto }}
th {{ text-align: left; font-weight: normal; padding-right: 2rem; vertical-align: top }}
</style>
<h1>coconet demo</h1>
<p>{_ABOUT}</p>
<h2>One moment: infrared, visible and fused</h2>
<p><img src="{files.picture.name}" alt="infrared, visible and fused, side by side"></p>
<h2>All frames, fused</h2>
<p><video src="{files.video.name}" controls loop muted></video></p>
<p><a href="{files.video.name}">{files.video.name}</a></p>
<h2>Figures</h2>
<table>
{rows}
</table>
</html>
"""


def demo(
    out: Annotated[Path, typer.Option("--out", help="Write the results into this folder.")] = Path("demo"),
    model: Annotated[
        str, typer.Option("--model", help="Fuse with this model, as `coconet run` takes it.")
    ] = DEFAULT_MODEL,
    seconds: Annotated[float, typer.Option("--seconds", min=0.1, help="Fuse a stream of this many seconds.")] = 10.0,
    opens: OpenOption = False,
    overwrite: OverwriteOption = False,
) -> None:
    """Fuse a synthetic rig with the shipped network and say where the results are."""
    from coconet.terminal.console import Console

    with stopped_by_signals() as stop:
        report, files = run_demo(out, model, seconds, Ending(stop=stop), overwrite=overwrite)
    console = Console(soft_wrap=True)
    console.print(report.to_table())
    for path in files.all:
        console.print(path, highlight=False)
    if opens:
        open_page(files.page)
