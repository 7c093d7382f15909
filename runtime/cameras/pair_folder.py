"""Sample frames: pairs of a folder, through the front end of cameras, and which pictures the two sides take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from coconet.cards.model_card import FrontEnd
from coconet.event_log import note_once
from coconet.media.pairs import PicturePair, pair_by_name, paired_folder
from coconet.media.thermal_settings import ThermalSettings
from coconet.runtime.cameras.files import Pictures
from coconet.runtime.frame import STILL, Frame, FramePair
from coconet.runtime.preprocess.agc import front_end_of
from coconet.runtime.preprocess.fit import Placement
from coconet.runtime.preprocess.warp import Alignment


def paired_sides(visible: Path, infrared: Path, pair_by: str | None = None) -> tuple[Pictures, Pictures]:
    """The pictures of two folders, or of one given twice, in the order of their pairs. Raises as pair_by_name does."""
    pairs = pair_by_name(visible, infrared, pair_by)
    names = [pair.name for pair in pairs]
    return (
        Pictures([pair.visible for pair in pairs], names),
        Pictures([pair.infrared for pair in pairs], [pair.infrared.name for pair in pairs]),
    )


class FolderFrames:
    """The pairs of a folder as paired_folder finds them, prepared as for a model: both sides uint8, infrared (H, W, 1).

    Infrared pictures are read again at every iteration, and stretched each by itself unless the settings say otherwise.
    Those of another size than the visible ones are laid onto them in their own proportions, as `--fit scale` does.
    Raises CoconetError for a folder without pairs, and for pictures that have no partner.
    """

    def __init__(self, root: Path, settings: ThermalSettings | None = None, pair_by: str | None = None) -> None:
        from coconet.media.image import InfraredStills

        self.pairs: Sequence[PicturePair] = paired_folder(root, pair_by)
        self._root = root
        self._infrared = InfraredStills(settings, tuple(pair.infrared for pair in self.pairs))

    def __len__(self) -> int:
        return len(self.pairs)

    def __iter__(self) -> Iterator[FramePair]:
        from coconet.media.image import read_visible
        from coconet.media.palettes.recognition import warn_if_swapped

        placement = Placement(Alignment())
        for index, pair in enumerate(self.pairs):
            infrared = self._infrared.levels(pair.infrared)
            visible = read_visible(pair.visible)
            warn_if_swapped(visible, self._infrared.palette, str(self._root))
            palette = self._infrared.palette
            infrared = placement.lay(infrared, (visible.shape[1], visible.shape[0]), str(pair.infrared))
            if placement.told:
                note_once(f"{self._root}: {placement.told}")
            yield FramePair(
                Frame(visible, timestamp_ns=0, index=index, name=str(pair.visible), stamps=STILL),
                Frame(infrared, timestamp_ns=0, index=index, name=str(pair.infrared), stamps=STILL, palette=palette),
            )

    @property
    def front_end(self) -> FrontEnd:
        """What the infrared pictures read so far went through."""
        settings = self._infrared.settings
        front_end = front_end_of(
            settings,
            raw_counts=self._infrared.raw_counts,
            range_of=settings.range_of or "each",
            palette=self._infrared.palette,
        )
        return replace(front_end, emissivity=self._infrared.emissivity, distance_m=self._infrared.distance_m)
