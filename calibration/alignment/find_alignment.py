"""The search for an alignment: pairs of a rig, the method that was asked for, pictures of the result, the rig file."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from coconet.calibration.alignment.registrar import Registrar
from coconet.errors import CoconetError
from coconet.files import make_folder
from coconet.media.pixels import Pixels, nearest_luma
from coconet.reading import UNSAID, Reading
from coconet.runtime.frame import FramePair
from coconet.runtime.preprocess.warp import Alignment, as_matrix
from coconet.runtime.rig.edit import save_values
from coconet.runtime.rig.open_rig import open_rig
from coconet.runtime.rig.rig_file import Rig, read_by

if TYPE_CHECKING:
    from coconet.runtime.pairing.pair_stream import PairStream


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


_PATIENCE_S = 10.0  # a camera that is lost may come back


@dataclass(frozen=True)
class AlignmentSearch:
    """How to look: at so many pairs, every so many-th; board as `kind:7x5`, or points, or neither for the edges."""

    pairs: int = 6
    every: int = 15
    board: str | None = None
    points: tuple[str, ...] = ()


@dataclass(frozen=True)
class FoundAlignment:
    """What was found, by which method, how well in words, and the pictures that show it."""

    alignment: Alignment
    method: str
    told: str
    pictures: tuple[Path, ...] = ()


def align_rig(
    rig_file: Path, search: AlignmentSearch, pictures: Path | None = None, reading: Reading = UNSAID
) -> FoundAlignment:
    """Find the alignment of the rig in a file, whatever it says now; overlay and checkerboard go to `pictures`.

    reading: how pictures are read, in place of what the file says.

    Raises CoconetError for a rig that cannot be opened, and where nothing to align by is found.
    """
    rig, registrar = read_by(Rig.from_file(rig_file), reading), open_registrar(search)
    seen = _unaligned_pairs(rig, search)
    found = registrar.register(seen)
    height, width = seen[0].visible.pixels.shape[:2]
    alignment = Alignment(as_matrix(found.homography), (width, height))
    written = () if pictures is None else _shown(align_pair(seen[len(seen) // 2], alignment), pictures)
    return FoundAlignment(alignment, found.method, found.told, written)


def save_alignment(rig_file: Path, alignment: Alignment) -> None:
    """Write an alignment into a rig file; every other line stays. Raises CoconetError for a file that is no rig's."""
    fields = {"homography": alignment.homography, "size_px": alignment.size_px}
    save_values(rig_file, {"alignment": fields})


def align_pair(pair: FramePair, alignment: Alignment) -> FramePair:
    """Lay the infrared picture of a pair onto its visible one."""
    height, width = pair.visible.pixels.shape[:2]
    infrared = dataclasses.replace(pair.infrared, pixels=alignment.warp(pair.infrared.pixels, (width, height)))
    return dataclasses.replace(pair, infrared=infrared)


def _unaligned_pairs(rig: Rig, search: AlignmentSearch) -> list[FramePair]:
    with open_rig(rig, align=False) as stream:
        seen = list(islice(_whole(stream), 0, search.pairs * search.every, search.every))
    if not seen:
        raise CoconetError("cameras", wanted="pairs to align by", got="none", remedy="Check both cameras.")
    return seen


def _whole(stream: PairStream) -> Iterator[FramePair]:
    """The pairs of both cameras. Raises CoconetError where live cameras give none for a while."""
    last_s = time.monotonic()
    for pair in stream:
        if not pair.missing:
            yield pair
            last_s = time.monotonic()
        elif time.monotonic() - last_s > _PATIENCE_S:
            raise CoconetError(
                "cameras", wanted="pairs to align by", got=pair.notice, remedy="Check both cameras, then align again."
            )


def open_registrar(search: AlignmentSearch) -> Registrar:
    """Make what aligns as a search asks for. Raises CoconetError for options that cannot be read."""
    if search.points:
        from coconet.calibration.alignment.points import PointRegistrar

        return PointRegistrar.from_texts(search.points)
    if search.board is not None:
        from coconet.calibration.alignment.board import BoardRegistrar

        return BoardRegistrar.from_text(search.board)
    from coconet.calibration.alignment.edges import EdgeRegistrar

    return EdgeRegistrar()


def _shown(pair: FramePair, folder: Path) -> tuple[Path, ...]:
    from coconet.media.image import write_picture

    make_folder(folder)
    made = {folder / "overlay.png": overlay(pair), folder / "checkerboard.png": checkerboard(pair)}
    for path, pixels in made.items():
        write_picture(path, pixels)
    return tuple(made)
