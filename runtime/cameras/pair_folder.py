"""Sample frames: pairs to try a model on, from a folder or painted, in the layout that its card asks for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from coconet.media.pairs import PicturePair, paired_folder
from coconet.runtime.frame import Frame, FramePair


class FolderFrames:
    """The pairs of a folder with `ir/` and `vis/` (or IR/VIS, infrared/visible), read anew at every iteration.

    Raises CoconetError for a folder without the two, an empty one, or pictures that have no partner.
    """

    def __init__(self, root: Path) -> None:
        self.pairs: Sequence[PicturePair] = paired_folder(root)

    def __len__(self) -> int:
        return len(self.pairs)

    def __iter__(self) -> Iterator[FramePair]:
        from coconet.media.image import read_picture

        for index, pair in enumerate(self.pairs):
            visible, infrared = (
                Frame(read_picture(path), timestamp_ns=0, index=index, name=str(path))
                for path in (pair.visible, pair.infrared)
            )
            yield FramePair(visible, infrared)
