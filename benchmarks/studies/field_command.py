"""The command `coconet bench field`: one table of every network and rule that is here."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.progress import Progress

from coconet.cli import OverwriteOption
from coconet.errors import CoconetError
from coconet.terminal import Console, print_warning

if TYPE_CHECKING:
    from coconet.benchmarks.studies.field import FieldFrames, FieldRow
    from coconet.benchmarks.studies.field_entries import FieldEntry
    from coconet.metrics.variants import Variant


PAINTED_VIDEO = 6
"""Neighbouring frames of the painted rig, where no video is named to watch for flicker."""


def field(  # noqa: PLR0913, PLR0917  # a command has an argument for every option
    frames: Annotated[Path, typer.Option("--frames", help="Paired folder to fuse and to score; dark pairs are night.")],
    weights: Annotated[
        Path | None, typer.Option("--weights", help="Folder with the weights of published networks.")
    ] = None,
    untrained: Annotated[
        bool,
        typer.Option(
            "--untrained", help="Time the published networks without weights there as well, with random ones, unscored."
        ),
    ] = False,
    only: Annotated[list[str] | None, typer.Option("--only", help="Leave the others out; again for more.")] = None,
    count: Annotated[int | None, typer.Option("--count", min=1, help="Pairs at most, spread over the folder.")] = None,
    visible: Annotated[str | None, typer.Option("--visible", help="A visible video to watch for flicker.")] = None,
    infrared: Annotated[str | None, typer.Option("--infrared", help="The infrared video beside it.")] = None,
    video_frames: Annotated[int, typer.Option("--video-frames", min=2, help="How many frames of it.")] = 25,
    variant: Annotated[str, typer.Option("--variant", help="As in `coconet score`.")] = "plain",
    keep: Annotated[
        Path | None, typer.Option("--keep", help="Keep the graphs in this folder; a second call takes them.")
    ] = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="Write every figure into this file.")] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write one page with a plot.")] = None,
    overwrite: OverwriteOption = False,
) -> None:
    """Fuse, score and time every rule, our networks and every published one whose weights are there."""
    from coconet.benchmarks.results.field_table import field_markdown, field_page, write_field_csv
    from coconet.benchmarks.studies.field_entries import find_entries, untrained_entries
    from coconet.files import check_outputs, make_folder, whole_file
    from coconet.metrics.variants import variant_named

    check_outputs([csv, html], inputs=[frames, weights, visible, infrared], overwrite=overwrite)
    chosen = variant_named(variant)
    entries, left_out = find_entries(weights)
    for reason in left_out:
        print_warning(f"left out: {reason}")
    shown = _frames(frames, count, visible, infrared, video_frames)
    with TemporaryDirectory(prefix="coconet-") as scratch:
        if untrained:
            entries += untrained_entries(entries, Path(scratch))
        entries = _only(entries, only)
        folder = keep or Path(scratch)
        make_folder(folder)
        rows = _rows(entries, shown, chosen, frames, folder)
    if not rows:
        raise CoconetError("field", wanted="one entry or more", got="none that ran", remedy="See the reasons above.")
    if csv:
        with whole_file(csv) as unfinished:
            write_field_csv(unfinished, rows, chosen)
    if html:
        with whole_file(html) as unfinished:
            unfinished.write_text(field_page(rows, chosen, _told(shown, frames)), encoding="utf-8")
    typer.echo(field_markdown(rows))
    typer.echo(f"\n{' '.join(_told(shown, frames))}\n{chosen.note}")


def _only(entries: list[FieldEntry], only: list[str] | None) -> list[FieldEntry]:
    names = [entry.name for entry in entries]
    for name in only or []:
        if name not in names:
            raise CoconetError(
                "--only", wanted=f"one of {', '.join(names)}", got=repr(name), remedy="Name one of them."
            )
    return [entry for entry in entries if not only or entry.name in only]


def _frames(
    frames: Path, count: int | None, visible: str | None, infrared: str | None, video_frames: int
) -> FieldFrames:
    from coconet.benchmarks.studies.excerpt import Excerpt
    from coconet.benchmarks.studies.field import FieldFrames, by_daylight
    from coconet.runtime.cameras.pair_folder import FolderFrames
    from coconet.runtime.cameras.synthetic.camera import painted_pairs
    from coconet.runtime.rig.open_rig import open_rig
    from coconet.runtime.rig.rig_file import Rig

    pairs = list(FolderFrames(frames))
    stride = 1 if count is None else max(1, len(pairs) // count)
    stills = by_daylight(list(islice(pairs[::stride], count)))
    if (visible is None) != (infrared is None):
        raise CoconetError(
            "--visible and --infrared", wanted="both or neither", got="one of them", remedy="Name the other one too."
        )
    if visible is None or infrared is None:
        return FieldFrames(stills, list(Excerpt(scale=0.5).of(painted_pairs(PAINTED_VIDEO))))
    with open_rig(Rig.from_addresses(visible, infrared)) as stream:
        return FieldFrames(stills, list(Excerpt(frames=video_frames).of(stream)))


def _rows(
    entries: list[FieldEntry], shown: FieldFrames, variant: Variant, frames: Path, folder: Path
) -> list[FieldRow]:
    """Measure one entry after the other; those that cannot be exported or run are left out."""
    from coconet.benchmarks.studies.field import measure_entry
    from coconet.benchmarks.studies.field_entries import make_forms

    def measured(entry: FieldEntry) -> FieldRow | None:
        try:
            forms = make_forms(entry, frames, folder, shown.size)
            with Progress(console=Console(stderr=True), transient=True) as bar:
                task = bar.add_task(escape(f"measuring {entry.name}"), total=shown.steps)
                return measure_entry(entry, forms, shown, variant, lambda: bar.advance(task))
        except CoconetError as error:
            print_warning(f"{entry.name} left out: {error}")
            return None

    return [row for entry in entries if (row := measured(entry)) is not None]


def _told(shown: FieldFrames, frames: Path) -> list[str]:
    from coconet.benchmarks.machine.device import this_device
    from coconet.benchmarks.studies.field import field_runner
    from coconet.runtime.frame_check import size_in_words

    parts = " and ".join(f"{len(pairs)} pairs by {part}" for part, pairs in shown.stills.items())
    size = size_in_words(*shown.timed.visible.pixels.shape[:2])
    return [
        f"{parts} of {frames.name}; flicker over {len(shown.video)} frames.",
        f"Times at {size} on {this_device().name}, networks by {field_runner()}; absolute times depend on what else "
        "runs there.",
    ]
