"""The command `coconet bench pick`: what runs models fastest on this machine, shown or measured once more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from coconet.errors import counted
from coconet.model_names import DEFAULT_MODEL

if TYPE_CHECKING:
    from rich.table import Table

    from coconet.cards.frame_size import FrameSize
    from coconet.runtime.picking.pick import Pick


PAIRS = 3
"""How many synthetic pairs candidates are held to their limits on."""


def pick(
    models: Annotated[
        list[str] | None, typer.Argument(help="What `coconet run --model` takes.", show_default=DEFAULT_MODEL)
    ] = None,
    size: Annotated[
        list[str] | None,
        typer.Option(help="Pick for this frame size, HEIGHTxWIDTH in pixels; again for more.", show_default="480x640"),
    ] = None,
    renew: Annotated[bool, typer.Option("--renew", help="Measure again whatever is remembered.")] = False,
) -> None:
    """Show what `coconet run` takes for a model and a frame size left to choose, and measure what is not known.

    Every installed backend fuses the same synthetic pair in turns. Pictures beyond the limits of their precision, on
    that pair or on two more, are out; the fastest of the others is remembered for this machine.
    """
    from coconet.cards.frame_size import FrameSize
    from coconet.terminal.console import Console

    console = Console()
    sizes = [FrameSize.parse(one) for one in size or ("480x640",)]
    for model in models or (DEFAULT_MODEL,):
        for one in sizes:
            console.print(_table(model, _picked(model, one, renew=renew)))


def _picked(model: str, size: FrameSize, *, renew: bool) -> Pick:
    """What is remembered, or what is measured now."""
    from coconet.errors import Refused
    from coconet.runtime.backends.choice import choose_backend
    from coconet.runtime.cameras.synthetic.camera import synthetic_pairs
    from coconet.runtime.frame_check import fit_pairs
    from coconet.runtime.picking.candidate import candidates_of, card_of
    from coconet.runtime.picking.pick import PickPlace
    from coconet.runtime.picking.trial import pick_fastest
    from coconet.terminal.console import Console
    from coconet.terminal.notice import print_notice

    kind = choose_backend(model).kind
    candidates = candidates_of(model) if kind in ("ort", "torch") else []
    if not candidates:
        raise Refused(
            model,
            wanted="a model that the processor runs",
            got=f"one for {kind}",
            remedy="Name another model, such as lite.",
            says=f"is run by {kind} alone, so there is nothing to pick",
        )
    pairs = list(fit_pairs(synthetic_pairs(PAIRS, size.height_px, size.width_px), card_of(candidates)))
    place = PickPlace.of(candidates, pairs[0].visible.pixels.shape)
    known = None if renew else place.load()
    if known is not None:
        return known
    Console(stderr=True).print(f"measuring {model} at {size} in {len(candidates)} ways ...")
    found = pick_fastest(candidates, pairs)
    if trouble := place.save(found):
        print_notice(f"what was measured is not remembered: {trouble}")
    return found


def _table(model: str, found: Pick) -> Table:
    from rich.table import Table

    height, width = found.size_px
    title = f"{model} at {height}x{width} (height x width), {found.processor}, {found.cores} cores, {found.date[:10]}"
    table = Table("", "model", "runs by", "ratio", "PSNR (dB)", "", title=title, title_justify="left")
    for row in found.rows:
        mark = "*" if (row.model, row.kind) == (found.model, found.kind) else ""
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        table.add_row(mark, row.model, row.kind, ratio, _psnr(row.psnr_db, row.refused), row.refused)
    compared = counted(found.pairs, "pair")
    table.caption = f"* is taken. A ratio of 1 is {found.reference_ms:.1f} ms. The PSNR is the worst of {compared}."
    return table


def _psnr(psnr_db: float | None, refused: str) -> str:
    return "" if refused else "equal" if psnr_db is None else f"{psnr_db:.1f}"
