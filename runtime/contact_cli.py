"""The command `coconet contact`: a sheet on which scenes and models can be compared by eye."""

from __future__ import annotations

from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from coconet.errors import CoconetError
from coconet.pairs import check_picture_ending

if TYPE_CHECKING:
    from runtime.comparison import Scene


def contact(
    models: Annotated[
        list[str], typer.Argument(metavar="MODEL", help="Checkpoints, .onnx files, `average`, `maximum`, `pyramid`.")
    ],
    out: Annotated[Path, typer.Option("--out", help="The sheet, for example sheet.png.")],
    frames: Annotated[Path | None, typer.Option("--frames", help="Folder of pairs: ir/ and vis/, named alike.")] = None,
    only: Annotated[list[str] | None, typer.Option("--only", help="A pair of the folder, by name; repeatable.")] = None,
    visible: Annotated[str | None, typer.Option("--visible", help="Instead of a folder: the visible video.")] = None,
    infrared: Annotated[str | None, typer.Option("--infrared", help="And the infrared video.")] = None,
    at: Annotated[list[float] | None, typer.Option("--at", min=0.0, help="A second of it; repeatable.")] = None,
    width: Annotated[int, typer.Option("--width", min=64, help="The most pixels the sheet is wide.")] = 1920,
) -> None:
    """Lay scenes out as rows, with the infrared, the visible and every model's picture as columns."""
    from coconet.files import whole_file
    from coconet.picture import write_picture
    from runtime.backend import open_backend
    from runtime.comparison import contact_sheet
    from runtime.model_labels import model_labels

    check_picture_ending(out)
    with ExitStack() as stack:
        scratch = stack.enter_context(whole_file(out))
        opened = [stack.enter_context(closing(open_backend(model))) for model in models]
        scenes = _scenes(frames, only, (visible, infrared), at)
        bar = stack.enter_context(Progress(console=Console(stderr=True), transient=True))
        task = bar.add_task("fusing", total=len(scenes) * len(models))
        named = list(zip(model_labels(models), opened, strict=True))
        write_picture(scratch, contact_sheet(scenes, named, width, lambda: bar.advance(task)))


def _scenes(
    frames: Path | None, only: list[str] | None, cameras: tuple[str | None, str | None], at: list[float] | None
) -> list[Scene]:
    from runtime.comparison import folder_scenes, moments

    visible, infrared = cameras
    if frames is not None and visible is None and infrared is None and not at:
        return folder_scenes(frames, only or ())
    if frames is None and visible is not None and infrared is not None and at and not only:
        return moments(visible, infrared, at)
    given = {"--frames": frames, "--only": only, "--visible": visible, "--infrared": infrared, "--at": at}
    raise CoconetError(
        "scenes",
        wanted="--frames with or without --only, or all of --visible, --infrared and --at",
        got=" and ".join(name for name, value in given.items() if value is not None) or "none of them",
        remedy="For example: coconet contact --frames pairs average --out sheet.png",
    )
