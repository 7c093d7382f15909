"""The command `coconet contact`: scenes as rows, both cameras and every model as columns, in one picture."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from coconet.cli import OverwriteOption
from coconet.errors import CoconetError, counted
from coconet.media.naming.picture_names import check_picture_ending
from coconet.media.pixels import Pixels
from coconet.model_names import RULES
from coconet.progress.board import working
from coconet.reading import UNSAID, Reading, reads_pictures
from coconet.runtime.backends.backend import Backend
from coconet.runtime.cameras.pair_folder import FolderFrames
from coconet.runtime.frame import FramePair
from coconet.runtime.rig.open_rig import open_rig
from coconet.runtime.rig.rig_file import Rig, read_by

SOURCES = ("infrared", "visible")

_MOST_PIXELS = 1 << 27
"""134 million, 400 MB: few programs open more."""

SECOND_NS = 10**9


@dataclass(frozen=True)
class Scene:
    """One row: what the cameras saw, prepared as for a run, and what it is called."""

    name: str
    pair: FramePair


def folder_scenes(root: Path, only: Collection[str] = (), reading: Reading = UNSAID) -> list[Scene]:
    """The pairs of a folder with `ir/` and `vis/`, or those of the names in `only` (without ending), in order.

    Raises CoconetError for what is no such folder, and for a name that is not in it.
    """
    frames = FolderFrames(root, reading.thermal(), reading.pair_by)
    names = [Path(pair.name).stem for pair in frames.pairs]
    unknown = sorted(set(only) - set(names))
    if unknown:
        raise CoconetError(
            root,
            wanted=f"pairs called {', '.join(unknown)}",
            got=f"{counted(len(names), 'pair')}, the first one {names[0]}",
            remedy="Give file names without their ending.",
            says=f"has no {'pair' if len(unknown) == 1 else 'pairs'} called {', '.join(unknown)}; the first of its "
            f"{counted(len(names), 'pair')} is {names[0]}",
        )
    scenes = [Scene(name, pair) for name, pair in zip(names, frames, strict=True)]
    return [scene for scene in scenes if not only or scene.name in only]


def moments(visible: str, infrared: str, times_s: Sequence[float], reading: Reading = UNSAID) -> list[Scene]:
    """The first pair at or after each of some times, in seconds from the first pair, earliest first.

    visible, infrared: as `open_camera` takes them. Raises CoconetError for a time after the end.
    """
    left = sorted(set(times_s))
    with open_rig(read_by(Rig.from_addresses(visible, infrared), reading)) as stream:
        scenes = list(_moments(stream, left))
    if left:
        raise CoconetError(
            visible,
            wanted=f"a recording that goes on to {left[0]:g} s",
            got="one that ends before",
            remedy="Name an earlier time.",
            says=f"ends before {left[0]:g} s",
        )
    return scenes


def fused_sheet(
    scenes: Sequence[Scene],
    models: Sequence[tuple[str, Backend]],
    width_px: int,
    report: Callable[[], None] = lambda: None,
) -> Pixels:
    """Fuse every scene with every (label, model) and lay all pictures out: (H, W, 3) BGR uint8, W <= width_px.

    All columns are equally wide; pictures are scaled to that in their own proportions, after fusing. `report` is
    called after every fused picture. Raises CoconetError for a sheet too narrow, and what the models raise.
    """
    captions = [*SOURCES, *(label for label, _ in models)]
    from coconet.media.panel import GAP_PX, Captioned, contact_sheet

    column_px = (width_px - GAP_PX * (len(captions) - 1)) // len(captions)
    if column_px < 1:
        raise CoconetError(
            "contact sheet",
            wanted=f"room for {counted(len(captions), 'column')}",
            got=f"a width of {width_px} pixels",
            remedy="Make the sheet wider with --width.",
            says=f"has no room for {counted(len(captions), 'column')} in a width of {width_px} pixels",
        )
    _check_size(scenes, column_px, width_px)
    rows = []
    for scene in scenes:
        pictures = [_at_width(pixels, column_px) for pixels in _pictures(scene, models, report)]
        rows.append(list(map(Captioned, [f"{scene.name}: {captions[0]}", *captions[1:]], pictures)))
    return contact_sheet(rows, column_px)


def _check_size(scenes: Sequence[Scene], column_px: int, width_px: int) -> None:
    """Refuse, before anything is fused, a sheet that few programs could open."""
    shapes = [scene.pair.visible.pixels.shape[:2] for scene in scenes]
    height_px = sum(max(1, round(height * column_px / width)) for height, width in shapes)
    if height_px * width_px > _MOST_PIXELS:
        raise CoconetError(
            "contact sheet",
            wanted=f"at most {_MOST_PIXELS / 1e6:.0f} million pixels",
            got=f"{width_px}x{height_px}",
            remedy="Name fewer scenes with --only, or make the sheet narrower with --width.",
            says=f"would have {width_px}x{height_px} pixels, more than {_MOST_PIXELS / 1e6:.0f} million",
        )


def _moments(stream: Iterable[FramePair], left: list[float]) -> Iterator[Scene]:
    """Take times off `left`, at least one, as pairs reach them."""
    first_ns: int | None = None
    for pair in stream:
        first_ns = pair.visible.timestamp_ns if first_ns is None else first_ns
        at_s = (pair.visible.timestamp_ns - first_ns) / SECOND_NS
        if at_s >= left[0]:
            yield Scene(f"{at_s:.2f} s", pair)
            left[:] = [time_s for time_s in left if time_s > at_s]
        if not left:
            return


def _pictures(scene: Scene, models: Sequence[tuple[str, Backend]], report: Callable[[], None]) -> list[Pixels]:
    visible, infrared = scene.pair.visible.pixels, scene.pair.infrared.pixels
    pictures = [infrared, visible]
    for _, backend in models:
        pictures.append(backend.fuse(visible, infrared))
        report()
    return pictures


def _at_width(pixels: Pixels, width_px: int) -> Pixels:
    height, width = pixels.shape[:2]
    from coconet.media.image import resize

    return resize(pixels, width_px, max(1, round(height * width_px / width)))


@reads_pictures
def contact(
    models: Annotated[
        list[str], typer.Argument(metavar="MODEL", help=f"Checkpoints, .onnx files, {', '.join(RULES)}.")
    ],
    out: Annotated[Path, typer.Option("--out", help="Write the sheet to this file, such as sheet.png.")],
    frames: Annotated[
        Path | None, typer.Option("--frames", help="Take the scenes from a folder of pairs: ir/ and vis/, named alike.")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option("--only", help="Take this pair of the folder, by name; again for more.")
    ] = None,
    visible: Annotated[
        str | None, typer.Option("--visible", help="Take the scenes from this visible video instead.")
    ] = None,
    infrared: Annotated[
        str | None, typer.Option("--infrared", help="Take the scenes from this infrared video, with --visible.")
    ] = None,
    at: Annotated[
        list[float] | None,
        typer.Option("--at", min=0.0, help="Take the scene at this second of the videos; again for more."),
    ] = None,
    width: Annotated[int, typer.Option("--width", min=64, help="Make the sheet at most N pixels wide.")] = 1920,
    overwrite: OverwriteOption = False,
    *,
    reading: Reading,
) -> None:
    """Lay scenes out as rows, with the infrared, the visible and every model's picture as columns."""
    from coconet.files import whole_file
    from coconet.media.image import write_picture
    from coconet.model_names import model_labels, model_path
    from coconet.runtime.backends.open_backend import open_backend
    from coconet.writing.outputs import check_outputs

    check_picture_ending(out)
    check_outputs([out], inputs=[frames, visible, infrared, *map(model_path, models)], overwrite=overwrite)
    with ExitStack() as stack:
        scratch = stack.enter_context(whole_file(out))
        opened = [stack.enter_context(closing(open_backend(model))) for model in models]
        scenes = _scenes(frames, only, (visible, infrared), at, reading)
        work = stack.enter_context(working("fusing", len(scenes) * len(models)))
        named = list(zip(model_labels(models), opened, strict=True))
        write_picture(scratch, fused_sheet(scenes, named, width, work.advance))


def _scenes(
    frames: Path | None,
    only: list[str] | None,
    cameras: tuple[str | None, str | None],
    at: list[float] | None,
    reading: Reading,
) -> list[Scene]:
    visible, infrared = cameras
    if frames is not None and visible is None and infrared is None and not at:
        return folder_scenes(frames, only or (), reading)
    if frames is None and visible is not None and infrared is not None and at and not only:
        return moments(visible, infrared, at, reading)
    given = {"--frames": frames, "--only": only, "--visible": visible, "--infrared": infrared, "--at": at}
    told = " and ".join(name for name, value in given.items() if value is not None)
    raise CoconetError(
        "scenes",
        wanted="--frames with or without --only, or all of --visible, --infrared and --at",
        got=told or "none of them",
        remedy="For example: coconet contact --frames pairs average --out sheet.png",
        says=f"cannot be taken from {told} alone" if told else "are not named",
    )
