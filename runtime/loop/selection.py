"""Which pairs of a run are fused: not those whose picture is there, and, if asked for, not those that misfit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from coconet.errors import CoconetError, FrameMisfit

if TYPE_CHECKING:
    from coconet.runtime.frame import FramePair

OnError = Literal["stop", "skip"]
"""What is done at a damaged frame, or a pair that cannot be read or fused."""


@dataclass(frozen=True)
class UnfusedPair:
    """A pair that could not be fused, by the name of its visible picture, and the reason as a sentence."""

    name: str
    reason: str


@contextmanager
def named_after(pair: FramePair) -> Iterator[None]:
    """Let the error of a pair that the model does not take name the visible picture, if it comes from a folder."""
    try:
        yield
    except FrameMisfit as error:
        if name := Path(pair.visible.name).name:
            error.name_picture(name)
        raise


class Selection:
    """Says of every pair whether it is to be fused, and lists what was left out.

    skips_misfits: whether a pair that cannot be read, prepared or fused is left out; otherwise it ends the run.
    there: whether the picture of a pair is there already. skipped: how many were. misfits: in order.
    """

    def __init__(self, *, skips_misfits: bool = False, there: Callable[[FramePair], bool] | None = None) -> None:
        self.skips_misfits, self.there = skips_misfits, there
        self.skipped, self._misfits = 0, list[UnfusedPair]()

    @property
    def misfits(self) -> tuple[UnfusedPair, ...]:
        """What was left out because it could not be fused."""
        return tuple(self._misfits)

    @property
    def chooses(self) -> bool:
        """Whether pairs may be left out, so that more are read than are fused."""
        return self.skips_misfits or self.there is not None

    def wants(self, pair: FramePair) -> bool:
        """Whether a pair is to be fused; one that could not be read or prepared is noted."""
        if self.there is not None and self.there(pair):
            self.skipped += 1
            return False
        if pair.misfit is None:
            return True
        self._note(pair, pair.misfit)
        return False

    @contextmanager
    def fusing(self, pair: FramePair) -> Iterator[None]:
        """Note what goes wrong in the block, if misfits are skipped; else it is raised, as by `named_after`."""
        try:
            with nullcontext() if self.skips_misfits else named_after(pair):
                yield
        except CoconetError as error:
            if not self.skips_misfits:
                raise
            self._note(pair, error)

    def _note(self, pair: FramePair, error: CoconetError) -> None:
        frame = pair.visible
        self._misfits.append(UnfusedPair(Path(frame.name).name or f"frame {frame.index}", str(error)))
