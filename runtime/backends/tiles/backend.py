"""The backend around a backend that fuses large pictures in parts, as if they were whole."""

from __future__ import annotations

from collections import deque

import numpy as np

from coconet.cards.model_card import ModelCard
from coconet.cards.tiling import Tiling
from coconet.errors import CoconetError, Refused
from coconet.event_log import note_once
from coconet.media.pixels import Pixels
from coconet.runtime.backends.backend import Backend, OverlappingBackend, TileFuser, TilingBackend
from coconet.runtime.backends.tiles.limit import AUTOMATIC, TileLimit
from coconet.runtime.backends.tiles.plan import TilePlan, cut_out, padding, plan_of
from coconet.runtime.backends.tiles.scene import scene_of
from coconet.runtime.frame_check import check_frames


def tiled(backend: Backend, limit: TileLimit = AUTOMATIC) -> Backend:
    """The backend as it is, or within one that fuses large pictures in parts, if the model can and `limit` lets it.

    Raises Refused if that was asked for and the model or what runs it cannot; the backend is closed then.
    """
    try:
        check_tiles(backend.card, limit)
        tiling = None if limit.pixels == 0 else backend.card.tiling
        if tiling is not None and isinstance(backend, TilingBackend):
            found = TiledBackend(backend, tiling, limit)
            if limit.pixels is None or found.can_tile:
                return found
        if limit.pixels:
            raise _refused(limit, f"{backend.card.network} in {backend.name}, which is not given parts of pictures")
    except BaseException:
        backend.close()
        raise
    return backend


def check_tiles(card: ModelCard, limit: TileLimit) -> None:
    """Refuse a model that cannot be given parts of a picture, if that was asked for."""
    if not limit.pixels or card.tiling is not None:
        return
    if card.signature.stretch or card.signature.normalization == "image":
        reason = "a pixel of its picture depends on the statistics of the whole"
    elif card.form != "camera":
        reason = f"a graph of the form {card.form}"
    else:
        reason = "a pixel of its picture depends on the whole, or its card does not say on how much of it"
    raise _refused(limit, f"{card.network}: {reason}")


def _refused(limit: TileLimit, got: str) -> Refused:
    wanted = "a model that fuses parts of a picture as it does the whole"
    remedy = f"Leave {limit.told_by} out, or use lite on a processor."
    return Refused(limit.told_by, wanted=wanted, got=got, remedy=remedy, says=f"does not work with {got}")


class TiledBackend:
    """A backend whose large pictures are fused in parts of one size; smaller ones go through as they are.

    It overlaps pairs if the one within does; a picture in parts is fused at once.
    """

    def __init__(self, backend: TilingBackend, tiling: Tiling, limit: TileLimit) -> None:
        """Take a backend over: `close` closes it."""
        self.card, self.name = backend.card, backend.name
        self.depth = backend.depth if isinstance(backend, OverlappingBackend) else 1
        self._backend, self._tiling, self._limit = backend, tiling, limit
        self._parts: dict[bool, TileFuser | None] = {}
        self._plans: dict[tuple[int, int], TilePlan | None] = {}
        self._done = deque[Pixels | None]()

    @property
    def can_tile(self) -> bool:
        """Whether the model can be opened for parts; it is, if it has not been."""
        return self._parts_of(halved=False) is not None

    def _parts_of(self, *, halved: bool) -> TileFuser | None:
        if halved not in self._parts:
            self._parts[halved] = self._backend.for_parts(halved=halved)
        return self._parts[halved]

    def fuse(self, visible: Pixels, infrared: Pixels) -> Pixels:
        """Fuse (H, W, 3) BGR or (H, W, 1) gray with (H, W, 1), uint8; shaped like `visible`.

        Raises CoconetError as the backend does, and if the parts that were asked for are too small for the model.
        """
        plan = self.plan_for(visible.shape[:2])
        halved = self._halved(visible.shape[:2])
        if plan is None or (parts := self._parts_of(halved=halved)) is None:
            return self._backend.fuse(visible, infrared)
        check_frames(self.card, self.card.network, visible, infrared)
        if self._tiling.room:
            parts.hold_scene(scene_of(visible, infrared, self.card.signature.side_multiple, halved=halved))
        fused = np.empty(visible.shape, np.uint8)
        for row, column in plan:
            part = parts.fuse(cut_out(visible, row, column), cut_out(infrared, row, column))
            fused[row.place, column.place] = part[row.within, column.within]
        return fused

    def submit(self, visible: Pixels, infrared: Pixels) -> None:
        """Start with a pair, as OverlappingBackend says; one in parts is fused at once."""
        if self.plan_for(visible.shape[:2]) is None and isinstance(self._backend, OverlappingBackend):
            self._backend.submit(visible, infrared)
            self._done.append(None)
        else:
            self._done.append(self.fuse(visible, infrared))

    def collect(self) -> Pixels:
        """Wait for the oldest pending pair and give its picture."""
        done = self._done.popleft() if self._done else None
        return self._backend.collect() if done is None and isinstance(self._backend, OverlappingBackend) else _is(done)

    def close(self) -> None:
        """Release the model; a second call does nothing."""
        parts, self._parts = self._parts, {}
        for one in parts.values():
            if one is not None:
                one.close()
        self._backend.close()

    def plan_for(self, size_px: tuple[int, int]) -> TilePlan | None:
        """How a picture of (height, width) is cut; None for one that is fused whole. Decided once for a size."""
        if size_px not in self._plans:
            self._plans[size_px] = self._planned(size_px)
        return self._plans[size_px]

    def _halved(self, size_px: tuple[int, int]) -> bool:
        """Whether the model looks at a picture of (height, width) in half its size."""
        least = self._tiling.halved_from_px
        height, width = (padding(side, self.card.signature.side_multiple)[0] for side in size_px)
        return least is not None and height * width >= least

    def _planned(self, size_px: tuple[int, int]) -> TilePlan | None:
        most_px = self._limit.part_px(self._tiling, size_px[0] * size_px[1])
        halved = self._halved(size_px)
        if most_px is None or self._parts_of(halved=halved) is None:
            return None
        multiple = self.card.signature.side_multiple
        overlap_px = self._tiling.reach_px(halved=halved)
        plan = plan_of(size_px, overlap_px, multiple, most_px)
        if plan is not None and self.card.size_within(plan.height_px, plan.width_px) == (plan.height_px, plan.width_px):
            if len(plan) > 1:
                note_once(_in_words(plan, size_px))
            return plan if len(plan) > 1 else None
        if self._limit.pixels is None:
            return None
        least = (2 * -(-overlap_px // multiple) + 1) * multiple
        raise CoconetError(
            self._limit.told_by,
            wanted=f"parts that the model takes: {least} pixels a side or more, as {least - multiple} are overlap",
            got=f"at most {most_px} pixels for pictures of {size_px[0]}x{size_px[1]}",
            remedy=f"Try {max(1 << 16, 16 * least * least)}.",
            says=f"is too small: a part of this model needs {least} pixels a side or more, {least - multiple} of them "
            "overlap",
        )


def _in_words(plan: TilePlan, size_px: tuple[int, int]) -> str:
    height, width = size_px
    part = f"{plan.height_px}x{plan.width_px}"
    return f"pictures of {height}x{width} are fused in {len(plan)} parts of {part}, which takes less memory"


def _is(pixels: Pixels | None) -> Pixels:
    if pixels is None:
        raise CoconetError(
            "collect",
            wanted="a pending frame",
            got="none",
            remedy="Submit a pair of frames first.",
            says="has no pending frame to give",
        )
    return pixels
