"""The command `coconet bench field`: one table of every network and rule that is here."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from coconet.cards.precision import PRECISIONS, REFERENCE
from coconet.cli import OverwriteOption
from coconet.errors import CoconetError, counted
from coconet.pages.browser import OpenOption, check_open, open_page
from coconet.progress.board import ProgressItems, working
from coconet.terminal.notice import print_notice
from coconet.writing.scratch import ScratchFolder

if TYPE_CHECKING:
    from coconet.benchmarks.studies.excerpt import Sample
    from coconet.benchmarks.studies.field import FieldRow
    from coconet.benchmarks.studies.field_entries import FieldEntry
    from coconet.benchmarks.studies.field_frames import FieldFrames
    from coconet.metrics.variants import Variant
    from coconet.runtime.frame import FramePair


YARDSTICK = "lite"
"""What times are compared with, if it is in the table; its first line otherwise."""

SYNTHETIC_VIDEO = 6
"""Neighbouring frames of the synthetic rig, if no video is named to watch for flicker."""


def field(  # noqa: PLR0913, PLR0917  # a command has an argument for every option
    frames: Annotated[
        list[Path],
        typer.Option("--frames", help="Fuse and score this paired folder; again for more. Dark pairs are night."),
    ],
    weights: Annotated[
        Path | None, typer.Option("--weights", help="Read the weights of published networks from this folder.")
    ] = None,
    untrained: Annotated[
        bool,
        typer.Option(
            "--untrained", help="Time published networks that have no weights there too, with random ones, unscored."
        ),
    ] = False,
    only: Annotated[
        list[str] | None, typer.Option("--only", help="Measure only this rule or network; again for more.")
    ] = None,
    count: Annotated[
        int | None, typer.Option("--count", min=1, help="Take at most N pairs of a folder, spread over it.")
    ] = None,
    visible: Annotated[str | None, typer.Option("--visible", help="Measure flicker on this visible video.")] = None,
    infrared: Annotated[
        str | None, typer.Option("--infrared", help="Measure flicker on this infrared video beside it.")
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(
            "--size", help="Cut the middle of this size out of every picture, HEIGHTxWIDTH in pixels, such as 224x320."
        ),
    ] = None,
    video_frames: Annotated[
        int, typer.Option("--video-frames", min=2, help="Measure flicker on the first N frames.")
    ] = 25,
    variant: Annotated[str, typer.Option("--variant", help="Compute the metrics as in `coconet score`.")] = "plain",
    keep: Annotated[
        Path | None, typer.Option("--keep", help="Keep the graphs in this folder; a second call uses them.")
    ] = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="Write every figure to this file as CSV.")] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write one page with a plot to this file.")] = None,
    opens: OpenOption = False,
    overwrite: OverwriteOption = False,
) -> None:
    """Fuse, score and time every rule, our networks and every published one whose weights are there."""
    from coconet.benchmarks.results.field_table import field_markdown, field_page, write_field_csv
    from coconet.benchmarks.studies.field_entries import check_kept, find_entries, untrained_entries
    from coconet.benchmarks.studies.field_frames import write_pairs
    from coconet.files import make_folder, whole_file
    from coconet.media.naming.entries import entries_below
    from coconet.metrics.variants import variant_named
    from coconet.writing.outputs import check_outputs

    check_open(opens, html)
    inputs = [*frames, visible, infrared, weights, *(entries_below(weights) if weights else ())]
    check_outputs([csv, html], inputs=inputs, overwrite=overwrite)
    check_outputs([keep], inputs=inputs, overwrite=True, made=[keep])
    chosen = variant_named(variant)
    entries, left_out = find_entries(weights)
    for reason in left_out:
        print_notice(f"left out: {reason}")
    video = _video(visible, infrared, video_frames)
    shown = _frames([pair for folder in frames for pair in _stills(folder, count)], video, size)
    with ScratchFolder() as scratch:
        if untrained:
            entries += untrained_entries(entries, Path(scratch))
        entries = _only(entries, only)
        folder = keep or Path(scratch)
        make_folder(folder)
        if not overwrite:
            check_kept(entries, folder)
        alike = len(frames) == 1 and size is None
        read = frames[0] if alike else write_pairs(chain(*shown.stills.values()), Path(scratch) / "stills")
        unit = next((entry for entry in entries if entry.name == YARDSTICK), entries[0])
        rows = _rows(entries, unit, (shown, chosen), (read, folder))
    if not rows:
        raise CoconetError(
            "field",
            wanted="one entry or more",
            got="none that ran",
            remedy="The lines above say why.",
            says="could run none of the entries",
        )
    told = _describe(shown, frames, unit, size)
    if csv:
        with whole_file(csv) as unfinished:
            write_field_csv(unfinished, rows, chosen)
    if html:
        with whole_file(html) as unfinished:
            unfinished.write_text(field_page(rows, chosen, told), encoding="utf-8")
    typer.echo(field_markdown(rows))
    typer.echo(f"\n{' '.join(told)}\n{chosen.note}")
    if html and opens:
        open_page(html)


def _only(entries: list[FieldEntry], only: list[str] | None) -> list[FieldEntry]:
    names = [entry.name for entry in entries]
    for name in only or []:
        if name not in names:
            raise CoconetError(
                "--only",
                wanted=f"one of {', '.join(names)}",
                got=repr(name),
                remedy=f"Name one of these: {', '.join(names)}.",
                says=f"{name} is not an entry",
            )
    return [entry for entry in entries if not only or entry.name in only]


def _stills(folder: Path, count: int | None) -> list[FramePair]:
    from coconet.runtime.cameras.pair_folder import FolderFrames

    pairs = list(FolderFrames(folder))
    stride = 1 if count is None else max(1, len(pairs) // count)
    return list(islice(pairs[::stride], count))


def _video(visible: str | None, infrared: str | None, frames: int) -> list[Sample]:
    from coconet.benchmarks.studies.excerpt import Excerpt
    from coconet.runtime.cameras.synthetic.camera import synthetic_pairs
    from coconet.runtime.rig.open_rig import open_rig
    from coconet.runtime.rig.rig_file import Rig

    if (visible is None) != (infrared is None):
        raise CoconetError(
            "--visible and --infrared",
            wanted="both or neither",
            got="one of them",
            remedy="Name the other one too, or leave both out.",
            says="have to be given together, but only one of them was",
        )
    if visible is None or infrared is None:
        return list(Excerpt(scale=0.5).of(synthetic_pairs(SYNTHETIC_VIDEO)))
    with open_rig(Rig.from_addresses(visible, infrared)) as stream:
        return list(Excerpt(frames=frames).of(stream))


def _frames(stills: list[FramePair], video: list[Sample], size: str | None) -> FieldFrames:
    from coconet.benchmarks.studies.field_frames import FieldFrames, by_daylight, middle_of
    from coconet.cards.frame_size import FrameSize

    if size is not None:
        cut = FrameSize.parse(size)
        stills = [middle_of(pair, cut) for pair in stills]
        video = [replace(sample, pair=middle_of(sample.pair, cut)) for sample in video]
    return FieldFrames(by_daylight(stills), video)


def _rows(
    entries: list[FieldEntry], unit: FieldEntry, looked_at: tuple[FieldFrames, Variant], folders: tuple[Path, Path]
) -> list[FieldRow]:
    """Measure one entry after the other; those that cannot be exported or run are left out.

    unit: the entry that times are compared with. folders: of the pairs that graphs are made with, and for the graphs.
    """
    from coconet.benchmarks.studies.field import FieldStudy, open_form
    from coconet.benchmarks.studies.field_entries import make_forms

    shown, variant = looked_at
    made = {unit.name: make_forms(unit, *folders, shown.size)}
    with closing(open_form(unit, made[unit.name].models[REFERENCE])) as yardstick:
        study = FieldStudy(shown, variant, yardstick)

        def measured(entry: FieldEntry) -> FieldRow | None:
            try:
                forms = made.get(entry.name) or make_forms(entry, *folders, shown.size)
                with working(f"measuring {entry.name}", shown.steps) as work:
                    return study.measure(entry, forms, work.advance)
            except CoconetError as error:
                print_notice(f"{entry.name} left out: {error}")
                return None

        whole = ProgressItems(entries, "measuring the field")
        return [row for entry in whole if (row := measured(entry)) is not None]


def _describe(shown: FieldFrames, frames: list[Path], unit: FieldEntry, size: str | None) -> list[str]:
    from coconet.benchmarks.machine.device import this_device
    from coconet.benchmarks.studies.field import field_runner
    from coconet.runtime.frame_check import size_in_words

    parts = " and ".join(f"{counted(len(pairs), 'pair')} by {part}" for part, pairs in shown.stills.items())
    middle = f", of each the middle {size}" if size else ""
    device = this_device()
    work = "the time" if field_runner() == "ort-cuda" else "the processor time"
    load = "" if device.busy is None else f" under a load of {device.busy * device.cores:.0f}"
    return [
        f"{parts} of {', '.join(folder.name for folder in frames)}{middle}; flicker over "
        f"{counted(len(shown.video), 'frame')}.",
        f"Times at {size_in_words(*shown.timed.visible.pixels.shape[:2])} on {device.name}{load}, networks by "
        f"{field_runner()}. Ratio is {work} as a multiple of that of {unit.name} in {PRECISIONS[REFERENCE].label}, "
        "measured in turns with it.",
    ]
