"""The command `coconet score`: the fusion metrics of fused pictures and videos, as CSV and as a table of means."""

from __future__ import annotations

from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from coconet.cli import OverwriteOption
from coconet.errors import CoconetError, Refused, counted, nearest_path
from coconet.files import whole_file
from coconet.media.naming.bag_names import split_bag
from coconet.metrics.scores import NAMES
from coconet.pages.browser import OpenOption, check_open, open_page
from coconet.progress.board import working
from coconet.reading import Reading, reads_pictures
from coconet.runtime.loop.selection import OnError
from coconet.runtime.preprocess.fit_word import Fit
from coconet.terminal.console import Console
from coconet.writing.outputs import check_outputs

if TYPE_CHECKING:
    from coconet.metrics.scoreboard import RankedEntry, Row, Scorer
    from coconet.runtime.rig.rig_file import Rig
    from coconet.runtime.scoring.scored_pairs import ScoredPart
    from coconet.runtime.scoring.worst_pictures import WorstPictures


@reads_pictures
def score(
    fused: Annotated[
        list[str],
        typer.Argument(metavar="NAME=FUSED...", help="Folders of fused pictures, or videos, each under a name."),
    ],
    visible: Annotated[
        str | None, typer.Option("--visible", help="Score against this visible folder, picture, video or recording.")
    ] = None,
    infrared: Annotated[
        str | None,
        typer.Option("--infrared", help="Score against the infrared one, whose pictures have the same names."),
    ] = None,
    frames: Annotated[
        Path | None,
        typer.Option(
            "--frames", help="Score against this folder of paired pictures, rig.toml, or recording, in place of both."
        ),
    ] = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", help=f"Write every picture's {', '.join(NAMES)} into this file.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", help="Write one page with the means and the worst pictures.")
    ] = None,
    opens: OpenOption = False,
    variant: Annotated[
        str,
        typer.Option(
            "--variant", help="Compute the metrics as in some published tables: plain, toolbox, matlab-u8 or cddfuse."
        ),
    ] = "plain",
    every: Annotated[int, typer.Option("--every", min=1, help="Score every Nth pair.")] = 1,
    pairs: Annotated[int | None, typer.Option("--pairs", min=1, help="Score the first N pairs only.")] = None,
    fit: Annotated[
        Fit | None,
        typer.Option("--fit", help="Fit infrared pictures of another size, as for run.", show_default="scale"),
    ] = None,
    on_error: Annotated[
        OnError,
        typer.Option("--on-error", help="Stop at a damaged frame or an unreadable pair of the sources, or skip it."),
    ] = "stop",
    overwrite: OverwriteOption = False,
    *,
    reading: Reading,
) -> None:
    """Score fused pictures and videos by the fusion metrics of the field, and rank them."""
    from coconet.metrics.scoreboard import standings, write_rows
    from coconet.metrics.variants import variant_named
    from coconet.runtime.rig.rig_file import fitted_by, read_by
    from coconet.runtime.rig.sample_frames import rig_file_at
    from coconet.runtime.scoring.scored_pairs import ScoredPart
    from coconet.runtime.scoring.worst_pictures import WorstPictures

    check_open(opens, html)
    if html:  # what a page needs is missed before anything is scored for it
        from coconet.runtime.scoring.score_page import score_page

    chosen, named = variant_named(variant), _named(fused)
    rig = fitted_by(read_by(_rig_of(frames, visible, infrared), reading), fit)
    inputs = [None if frames is None else rig_file_at(frames), *rig.sources, *(Path(place) for _, place in named)]
    check_outputs([csv, html], inputs=inputs, overwrite=overwrite)
    with ExitStack() as stack:
        scratch = stack.enter_context(whole_file(csv)) if csv else None
        page = stack.enter_context(whole_file(html)) if html else None
        worst = WorstPictures()
        rows = _scored_with_bar(rig, named, chosen.score, ScoredPart(every, pairs), on_error, worst)
        count, ranked = counted(len(rows) // len(named), "picture"), standings(rows)
        if scratch:
            write_rows(scratch, rows, chosen.name)
        if page:
            page.write_text(score_page(ranked, worst, count, chosen.note).to_html(), encoding="utf-8")
    Console().print(_table(ranked, f"means of {count}; {chosen.note}"))
    if html and opens:
        open_page(html)


def _rig_of(frames: Path | None, visible: str | None, infrared: str | None) -> Rig:
    """Both sides, as they were named. Raises CoconetError for half of them, and for what is not there."""
    from coconet.runtime.cameras.open_camera import check_sources
    from coconet.runtime.rig.rig_file import Rig
    from coconet.runtime.rig.sample_frames import rig_file_at

    if frames is not None and (visible or infrared):
        both = "--frames, and --visible or --infrared"
        raise Refused(
            "sources",
            wanted="--frames, or --visible and --infrared",
            got=both,
            remedy="Leave one of the two out.",
            says="are named twice: by --frames and by --visible or --infrared",
        )
    if frames is not None:
        rig_file = rig_file_at(frames)
        rig = Rig.from_addresses(frames, frames) if rig_file is None else Rig.from_file(rig_file)
    elif visible is None or infrared is None:
        got = "none of them" if visible is infrared else "one side without the other"
        remedy = "Name --frames pairs, or --visible tno/vis --infrared tno/ir."
        raise Refused(
            "sources",
            wanted="--frames, or both --visible and --infrared",
            got=got,
            remedy=remedy,
            says="are not named" if visible is infrared else "are incomplete: one side is named without the other",
        )
    else:
        rig = Rig.from_addresses(visible, infrared)
    check_sources(rig.visible.address, rig.infrared.address)
    return rig


def _named(fused: list[str]) -> list[tuple[str, str]]:
    """Take NAME=FOLDER apart; every name may stand once."""
    apart = (text.partition("=") for text in fused)
    named = [(name, place if "://" in place else str(Path(place).expanduser())) for name, _, place in apart]
    names = [name for name, _ in named]
    for text, name in zip(fused, names, strict=True):
        if "=" not in text or not name or names.count(name) > 1:
            raise CoconetError(
                text,
                wanted="NAME=FOLDER, each name once",
                got="a name that stands twice" if names.count(name) > 1 else "no name and folder",
                remedy="Write for example: average=fused/average",
                says="has a name that stands twice" if names.count(name) > 1 else "is not NAME=FOLDER",
            )
    for text, (_, place) in zip(fused, named, strict=True):
        _check_there(text, place)
    return named


def _check_there(argument: str, place: str) -> None:
    """Refuse fused pictures that are not there before anything is scored, and ask about a name that is near."""
    bag = split_bag(place)
    path = Path(place) if bag is None else bag.path
    if "://" in place or path.exists():
        return
    raise Refused(
        argument,
        wanted="NAME=FUSED, with the folder or the video of the fused pictures",
        got="no such file or folder",
        remedy=f"{nearest_path(path)}Correct what stands behind the =.",
        says=f"names fused pictures that are not there: {place} does not exist",
    )


def _scored_with_bar(
    rig: Rig,
    named: list[tuple[str, str]],
    scorer: Scorer,
    part: ScoredPart,
    on_error: OnError,
    worst: WorstPictures,
) -> list[Row]:
    """The rows, entry after entry; worst looks at every picture."""
    from coconet.runtime.rig.open_rig import paired_names
    from coconet.runtime.rig.sample_frames import RigFrames
    from coconet.runtime.scoring.fused import open_fused
    from coconet.runtime.scoring.scored_pairs import score_pairs

    skips = on_error == "skip"
    names, whole = paired_names(rig)[: part.limit], part.limit is None and not skips
    with ExitStack() as stack:
        fusions = [stack.enter_context(closing(open_fused(entry, place, names, whole=whole))) for entry, place in named]
        stream = stack.enter_context(RigFrames(rig).replay(gives_misfits=skips))
        count = part.count(stream.frames_expected)
        work = stack.enter_context(working("scoring", count and count * len(named)))
        rows = []
        for scored in score_pairs(stream, fusions, scorer, part):
            rows.append(scored[0])
            worst.look_at(scored)
            work.advance()
    if not rows:
        remedy = "Check that both sides begin together; widen the pairing tolerance if their clocks differ."
        raise CoconetError(
            str(RigFrames(rig)), wanted="pairs to score by", got="none", remedy=remedy, says="gives no pairs to score"
        )
    order = [entry for entry, _ in named]
    return sorted(rows, key=lambda row: order.index(row.entry))


def _table(standings: list[RankedEntry], caption: str) -> Table:
    """One line an entry, the best of every column in bold; ranks where there are several to be ranked."""
    from coconet.metrics.fusion import METRICS
    from coconet.metrics.scoreboard import RANKED

    means = [[getattr(standing.mean, metric.name) for metric in METRICS] for standing in standings]
    best = [max(column, key=metric.merit) for metric, column in zip(METRICS, zip(*means, strict=True), strict=True)]
    best_rank = min(standing.mean_rank for standing in standings)
    ranked = len(standings) > 1
    if ranked:
        caption = f"{caption}; rank: mean over {', '.join(metric.name for metric in RANKED)}"
    table = Table(box=SIMPLE_HEAD, padding=0, caption=caption, caption_justify="left")
    table.add_column("name", overflow="fold")
    for column in (*(metric.name for metric in METRICS), *(["rank"] if ranked else [])):
        table.add_column(column, justify="right", no_wrap=True)
    for standing, mean in zip(standings, means, strict=True):
        cells = [_cell(value, 3, ranked and value == top) for value, top in zip(mean, best, strict=True)]
        if ranked:
            cells.append(_cell(standing.mean_rank, 2, standing.mean_rank == best_rank))
        table.add_row(standing.entry, *cells)
    return table


def _cell(value: float, digits: int, is_best: bool) -> Text:
    return Text(f"{value:.{digits}f}", style="bold" if is_best else "")
