"""The search for an alignment: pairs of a rig, the method that was asked for, pictures of the result, the rig file."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from coconet.errors import Refused
from coconet.files import make_folder
from coconet.media.pixels import Pixels, nearest_luma
from coconet.runtime.frame import FramePair
from coconet.runtime.preprocess.warp import Alignment
from coconet.runtime.registration.pair_sampling import PairSampling, alignment_of
from coconet.runtime.registration.registrar import Registrar
from coconet.runtime.rig.edit import save_values
from coconet.runtime.rig.open_rig import open_rig, rig_lenses
from coconet.runtime.rig.rig_file import Rig

_TILES = 8


def overlay(pair: FramePair) -> Pixels:
    """Visible luma in green, infrared in red and blue: what lies right is gray, what does not has coloured edges.

    pair: aligned, (H, W, C) and (H, W, 1) uint8; gives (H, W, 3) BGR uint8.
    """
    visible = nearest_luma(pair.visible.pixels)
    infrared = pair.infrared.pixels[:, :, 0]
    return np.stack([infrared, visible, infrared], axis=2)


def checkerboard(pair: FramePair) -> Pixels:
    """Tiles of both pictures in turns, as (H, W, 3) BGR uint8: edges go on across the borders where they lie right."""
    height, width = pair.visible.pixels.shape[:2]
    rows, columns = np.mgrid[0:height, 0:width]
    side = max(1, min(height, width) // _TILES)
    odd = ((rows // side + columns // side) % 2).astype(bool)[:, :, None]
    visible = np.broadcast_to(pair.visible.pixels, (height, width, 3))
    return np.where(odd, pair.infrared.pixels, visible).astype(np.uint8)


PICTURES = ("overlay.png", "checkerboard.png")
"""What is put into the folder that is to show an alignment."""


@dataclass(frozen=True)
class AlignmentSearch:
    """How to look: at N pairs, every Mth of the stream; board as `kind:7x5`, or points, or neither for the edges."""

    pairs: int = 6
    every: int = 15
    board: str | None = None
    points: tuple[str, ...] = ()


@dataclass(frozen=True)
class FoundAlignment:
    """What was found, by which method, how well in words, and the pictures that show it."""

    alignment: Alignment
    method: str
    summary: str
    pictures: tuple[Path, ...] = ()


def align_rig(
    rig: Rig, search: AlignmentSearch, pictures: Path | None = None, step: Callable[[str], object] = lambda doing: None
) -> FoundAlignment:
    """Find the alignment of a rig, whatever it says now; overlay and checkerboard go to `pictures`.

    step: is called with what is done next, in words.
    Raises CoconetError for a rig that cannot be opened, and if nothing to align by is found.
    """
    registrar = open_registrar(search)
    step("taking pairs of both cameras to align by")
    with open_rig(rig, align=False) as stream:
        seen = PairSampling(search.pairs, search.every).of(stream)
    step("finding how the infrared picture lies on the visible one")
    found = alignment_of(registrar, seen, *rig_lenses(rig))
    written = () if pictures is None else _write_pictures(align_pair(seen[len(seen) // 2], found.alignment), pictures)
    return FoundAlignment(found.alignment, found.method, found.summary, written)


def save_alignment(rig_file: Path, alignment: Alignment) -> None:
    """Write an alignment into a rig file; every other line stays. Raises CoconetError for a file that is no rig's."""
    sizes = {"size_px": alignment.size_px, "infrared_size_px": alignment.infrared_size_px}
    known: dict[str, Any] = {key: size for key, size in sizes.items() if size is not None}
    lenses = {"infrared_lens": alignment.infrared_lens, "visible_lens": alignment.visible_lens}
    known |= {key: dataclasses.asdict(lens) for key, lens in lenses.items() if lens is not None}
    save_values(rig_file, {"alignment": {"homography": alignment.homography, **known}})


def align_pair(pair: FramePair, alignment: Alignment) -> FramePair:
    """Lay the infrared picture of a pair onto its visible one."""
    height, width = pair.visible.pixels.shape[:2]
    infrared = dataclasses.replace(pair.infrared, pixels=alignment.warp(pair.infrared.pixels, (width, height)))
    return dataclasses.replace(pair, infrared=infrared)


def open_registrar(search: AlignmentSearch) -> Registrar:
    """Make what aligns as a search asks for. Raises CoconetError for options that cannot be read."""
    if search.points and search.board is not None:
        raise Refused(
            "--board",
            wanted="a board or points",
            got="both",
            remedy="Leave --board or every --point out: one aligns.",
            says="cannot be used with --point",
        )
    if search.points:
        from coconet.calibration.alignment.points import PointRegistrar

        return PointRegistrar.from_texts(search.points)
    if search.board is not None:
        from coconet.calibration.alignment.board import BoardRegistrar

        return BoardRegistrar.from_text(search.board)
    from coconet.runtime.registration.edges import EdgeRegistrar

    return EdgeRegistrar()


def _write_pictures(pair: FramePair, folder: Path) -> tuple[Path, ...]:
    from coconet.media.image import write_picture

    make_folder(folder)
    overlaid, tiled = (folder / name for name in PICTURES)
    made = {overlaid: overlay(pair), tiled: checkerboard(pair)}
    for path, pixels in made.items():
        write_picture(path, pixels)
    return tuple(made)
