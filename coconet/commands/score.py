"""The command `coconet score`: the fusion metrics of folders of fused pictures, as CSV and as a table of means."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.progress import track
from rich.table import Table
from rich.text import Text

from coconet.cli import OverwriteOption
from coconet.errors import CoconetError, Refused, counted
from coconet.files import check_outputs, whole_file
from coconet.media.naming.picture_names import is_picture
from coconet.media.pairs import pair_by_name
from coconet.metrics.scores import NAMES
from coconet.reading import Reading, reads_pictures
from coconet.terminal import Console

if TYPE_CHECKING:
    from coconet.media.image import InfraredStills
    from coconet.metrics.scoreboard import FusedPicture, RankedEntry, Row, Scorer


@reads_pictures
def score(
    folders: Annotated[list[str], typer.Argument(metavar="NAME=FOLDER...", help="Fused pictures, each under a name.")],
    visible: Annotated[Path, typer.Option("--visible", help="Folder of the visible pictures.")],
    infrared: Annotated[Path, typer.Option("--infrared", help="Folder of the infrared pictures, named alike.")],
    csv: Annotated[
        Path | None, typer.Option("--csv", help=f"Write every picture's {', '.join(NAMES)} into this file.")
    ] = None,
    variant: Annotated[
        str,
        typer.Option("--variant", help="As some published tables: plain, toolbox, matlab-u8 or cddfuse."),
    ] = "plain",
    overwrite: OverwriteOption = False,
    *,
    reading: Reading,
) -> None:
    """Score folders of fused pictures by the fusion metrics of the field, and rank them."""
    from coconet.media.image import InfraredStills
    from coconet.metrics.scoreboard import fused_pictures, standings, write_rows
    from coconet.metrics.variants import variant_named

    chosen = variant_named(variant)
    named = _named(folders)
    _check_folders(visible, infrared, *(folder for _, folder in named))
    check_outputs([csv], inputs=[visible, infrared, *(folder for _, folder in named)], overwrite=overwrite)
    pairs = pair_by_name(visible, infrared, reading.pair_by)
    thermal = InfraredStills(reading.thermal(), tuple(pair.infrared for pair in pairs))
    pictures = [one for name, folder in named for one in fused_pictures(name, folder, pairs)]
    with whole_file(csv) if csv else nullcontext() as scratch:
        rows = _scored_with_bar(pictures, chosen.score, thermal)
        if scratch:
            write_rows(scratch, rows, chosen.name)
    Console().print(_table(standings(rows), f"means of {counted(len(pairs), 'picture')}; {chosen.note}"))


def _check_folders(*folders: Path) -> None:
    """Refuse videos: what is scored has its sources by name."""
    for folder in folders:
        if folder.is_file() and not is_picture(folder):
            raise Refused(
                folder,
                wanted="folders of pictures that are named alike",
                got="a file",
                remedy="Of models that fuse two videos coconet bench --frames and coconet verify --frames tell the "
                "metrics: they take the rig file of both.",
            )


def _named(folders: list[str]) -> list[tuple[str, Path]]:
    """Take NAME=FOLDER apart; every name may stand once."""
    named = [(name, Path(folder).expanduser()) for name, _, folder in (text.partition("=") for text in folders)]
    names = [name for name, _ in named]
    for text, name in zip(folders, names, strict=True):
        if "=" not in text or not name or names.count(name) > 1:
            raise CoconetError(
                text,
                wanted="NAME=FOLDER, each name once",
                got="a name that stands twice" if names.count(name) > 1 else "no name and folder",
                remedy="Write for example: average=fused/average",
            )
    return named


def _scored_with_bar(pictures: list[FusedPicture], scorer: Scorer, thermal: InfraredStills) -> list[Row]:
    from coconet.metrics.scoreboard import score_pictures

    rows = score_pictures(pictures, scorer, thermal)
    return list(track(rows, "scoring", total=len(pictures), console=Console(stderr=True), transient=True))


def _table(standings: list[RankedEntry], caption: str) -> Table:
    """One line an entry, the best of every column in bold."""
    from coconet.metrics.fusion import METRICS
    from coconet.metrics.scoreboard import RANKED

    means = [[getattr(standing.mean, metric.name) for metric in METRICS] for standing in standings]
    best = [max(column, key=metric.merit) for metric, column in zip(METRICS, zip(*means, strict=True), strict=True)]
    best_rank = min(standing.mean_rank for standing in standings)
    caption = f"{caption}; rank: mean over {', '.join(metric.name for metric in RANKED)}"
    table = Table(box=SIMPLE_HEAD, padding=0, caption=caption, caption_justify="left")
    table.add_column("name", overflow="fold")
    for column in (*(metric.name for metric in METRICS), "rank"):
        table.add_column(column, justify="right", no_wrap=True)
    for standing, mean in zip(standings, means, strict=True):
        cells = [_cell(value, 3, value == top) for value, top in zip(mean, best, strict=True)]
        table.add_row(standing.entry, *cells, _cell(standing.mean_rank, 2, standing.mean_rank == best_rank))
    return table


def _cell(value: float, digits: int, is_best: bool) -> Text:
    return Text(f"{value:.{digits}f}", style="bold" if is_best else "")
