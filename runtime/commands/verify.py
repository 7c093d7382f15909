"""The command `coconet verify`: whether two models fuse the same frames alike.

Exit codes are those of diff and cmp: 0 for alike, 1 for a candidate beyond the limits, 2 or more for a comparison that
could not be made, as coconet.errors.ExitCode says. A script can so tell a bad model from a wrong path.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from coconet.cli import OverwriteOption
from coconet.errors import CoconetError
from coconet.pages.browser import OpenOption, check_open, open_page
from coconet.progress.board import ProgressItems
from coconet.reading import Reading, reads_pictures
from coconet.terminal.console import Console
from coconet.terminal.notice import print_notice

BEYOND_LIMITS = 1


@reads_pictures
def verify(
    reference: Annotated[str, typer.Argument(metavar="A", help="The reference model: a file or a word, as for run.")],
    candidate: Annotated[str, typer.Argument(metavar="B", help="The model to be judged, at the limits of its card.")],
    frames: Annotated[
        Path,
        typer.Option(
            "--frames", help="Compare on this folder of paired pictures (ir/ and vis/), rig.toml, or recording."
        ),
    ],
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the report to this file as JSON too.")] = None,
    worst: Annotated[
        Path | None, typer.Option("--worst", help="Draw the frame on which they differ most into this .png.")
    ] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write one page with the worst frames.")] = None,
    opens: OpenOption = False,
    min_psnr: Annotated[
        float | None,
        typer.Option("--min-psnr", help="Judge by this PSNR of every frame, in dB, instead of by B's precision."),
    ] = None,
    overwrite: OverwriteOption = False,
    *,
    reading: Reading,
) -> None:
    """Fuse the same frames with two models and say how far apart they are; exit code 1 beyond the limits."""
    from coconet.files import whole_file
    from coconet.media.image import write_picture
    from coconet.metrics.structure import StructureWatch
    from coconet.model_names import model_labels, model_path
    from coconet.runtime.frame_check import fit_pairs
    from coconet.runtime.rig.sample_frames import RigFrames, inputs_of, sample_frames
    from coconet.runtime.verify.error_map import error_panel
    from coconet.runtime.verify.parity import answers_of
    from coconet.runtime.verify.reference_backend import common_card, open_to_compare
    from coconet.runtime.verify.report import ComparedModel, VerifyReport, doubt_of
    from coconet.runtime.verify.verification import judge, limits_for, verification_of
    from coconet.runtime.verify.watched import watched
    from coconet.writing.outputs import check_outputs

    check_open(opens, html)
    if html:  # what a page needs is missed before anything is fused for it
        from coconet.runtime.verify.verify_page import verify_page

    names = (reference, candidate)
    check_outputs([json_file, worst, html], inputs=[*inputs_of(frames), *map(model_path, names)], overwrite=overwrite)
    with ExitStack() as stack:
        panel_scratch = stack.enter_context(whole_file(_png(worst))) if worst else None
        page_scratch = stack.enter_context(whole_file(html)) if html else None
        json_scratch = stack.enter_context(whole_file(json_file)) if json_file else None
        _check_inputs(names, frames, reading)
        models = [stack.enter_context(closing(open_to_compare(name))) for name in names]
        pairs = sample_frames(frames, reading)
        if isinstance(pairs, RigFrames) and any(model.card.form == "warped" for model in models):
            pairs = replace(pairs, laid=False)
        shown = ProgressItems(pairs, "comparing")
        card = common_card(models[0].card, models[1].card)
        watches = (StructureWatch(), StructureWatch())
        answers = answers_of(models[0], models[1], fit_pairs(shown, card))
        found = verification_of(watched(answers, reference=watches[0], candidate=watches[1]))
        limits = limits_for(models[1].card.precision, min_psnr)
        contestants = [ComparedModel.of(name, model) for name, model in zip(names, models, strict=True)]
        doubt = doubt_of(models[0].card, models[1].card)
        report = VerifyReport(contestants[0], contestants[1], found, limits, judge(found, limits), doubt)
        if json_scratch:
            json_scratch.write_text(report.to_json() + "\n", encoding="utf-8")
        shown_as = [f"{letter} {label}" for letter, label in zip("AB", model_labels(names), strict=True)]
        if panel_scratch:
            write_picture(panel_scratch, error_panel(found.worst, (shown_as[0], shown_as[1])))
        if page_scratch:
            page_scratch.write_text(verify_page(report, (shown_as[0], shown_as[1])).to_html(), encoding="utf-8")
    Console().print(report.to_table())
    for name, watch, is_told in zip(shown_as, watches, (True, report.verdict.passed), strict=True):
        if watch.warning and is_told:  # two models may agree on pictures that are of no use
            print_notice(f"{name} {watch.warning}")
    if html and opens:
        open_page(html)
    _end(report.verdict.passed, report.sentence())


def _check_inputs(models: Sequence[str], frames: Path, reading: Reading) -> None:
    """Refuse what is not there before the first model is loaded."""
    from coconet.runtime.backends.choice import check_model
    from coconet.runtime.rig.sample_frames import check_frames

    for model in models:
        check_model(model)
    check_frames(frames, reading)


def _png(path: Path) -> Path:
    """Refuse another format before anything is fused: errors of a lossy one would lie among those to be seen."""
    if path.suffix.lower() != ".png":
        raise CoconetError(
            path,
            wanted="a name that ends in .png",
            got=path.suffix or "no ending",
            remedy="Change the ending.",
            says=f"{f'ends in {path.suffix}' if path.suffix else 'has no ending'}; a picture of the errors ends in "
            ".png",
        )
    return path


def _end(passed: bool, sentence: str) -> None:
    if passed:
        Console().print(Text(sentence), soft_wrap=True)
        return
    Console(stderr=True).print(Text.assemble(("beyond the limits: ", "bold red"), sentence), soft_wrap=True)
    raise typer.Exit(BEYOND_LIMITS)
