"""The frames of a benchmark: pairs of a folder, or painted ones, cut to the frame size that is measured."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from coconet.engine_card import FrameSize
from coconet.signature import ModelCard
from runtime.frame import FramePair
from runtime.samples import FolderFrames, fitted, painted_pairs


@dataclass(frozen=True)
class BenchFrames:
    """Where the frames come from: a folder with `ir/` and `vis/`, or None for the painted rig; at most `count`."""

    folder: Path | None = None
    count: int = 4

    def pairs(self, card: ModelCard, size: FrameSize) -> list[FramePair]:
        """The pairs at a size, as the model of `card` takes them. Raises CoconetError as `paired_folder` does."""
        source = painted_pairs(self.count, size.height_px, size.width_px)
        if self.folder is not None:
            source = list(islice(FolderFrames(self.folder), self.count))
        return list(fitted(source, replace(card, height_px=size.height_px, width_px=size.width_px)))

    def __str__(self) -> str:
        if self.folder is None:
            return f"{self.count} painted pairs"
        return f"the first {self.count} pairs of {self.folder.name}, their middle cut to the frame size"
