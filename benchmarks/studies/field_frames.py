"""Field frames: the stills, by day and by night, and the video that every entry of the field is measured on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from coconet.benchmarks.studies.excerpt import Sample
from coconet.calibration.int8.coverage import FrameStatistics
from coconet.cards.frame_size import FrameSize
from coconet.errors import CoconetError
from coconet.files import make_folder
from coconet.media.image import write_picture
from coconet.runtime.frame import Frame, FramePair

DAY, NIGHT = "day", "night"


@dataclass(frozen=True)
class FieldFrames:
    """What everything is measured on: stills by part of the day, neighbouring frames of a video, a frame to time."""

    stills: Mapping[str, Sequence[FramePair]]
    video: Sequence[Sample]

    @property
    def timed(self) -> FramePair:
        """The first still, of whatever part."""
        return next(pair for pairs in self.stills.values() for pair in pairs)

    @property
    def size(self) -> str | None:
        """The one size of all stills and of the video, as options have it; None if there are several."""
        stills = (pair for pairs in self.stills.values() for pair in pairs)
        sizes = {pair.visible.pixels.shape[:2] for pair in (*stills, *(sample.pair for sample in self.video))}
        return "{}x{}".format(*sizes.pop()) if len(sizes) == 1 else None

    @property
    def steps(self) -> int:
        """How many pictures one entry fuses for its quality and its flicker."""
        return sum(map(len, self.stills.values())) + len(self.video)


def by_daylight(pairs: Sequence[FramePair]) -> dict[str, list[FramePair]]:
    """Stills by day and by night: dark ones by the rule of FrameStatistics. A part without any is not there.

    Raises CoconetError for no pairs at all.
    """
    if not pairs:
        raise CoconetError(
            "field",
            wanted="one pair or more",
            got="none",
            remedy="Name a paired folder with --frames.",
            says="has no pairs to compare",
        )
    parts: dict[str, list[FramePair]] = {}
    for pair in sorted(pairs, key=lambda pair: FrameStatistics.of(pair).dark):
        parts.setdefault(NIGHT if FrameStatistics.of(pair).dark else DAY, []).append(pair)
    return parts


def middle_of(pair: FramePair, size: FrameSize) -> FramePair:
    """The middle of both pictures, in that size. Raises CoconetError for pictures that are smaller."""
    return replace(pair, visible=_middle(pair.visible, size), infrared=_middle(pair.infrared, size))


def _middle(frame: Frame, size: FrameSize) -> Frame:
    height, width = frame.pixels.shape[:2]
    if height < size.height_px or width < size.width_px:
        raise CoconetError(
            frame.name or "a frame",
            wanted=f"at least {size} pixels, of which the middle is cut out",
            got=f"{height}x{width}",
            remedy="Give a smaller --size, or leave it out.",
            says=f"is {height}x{width} pixels, too small to cut {size} pixels out of its middle",
        )
    top, left = (height - size.height_px) // 2, (width - size.width_px) // 2
    return replace(frame, pixels=frame.pixels[top : top + size.height_px, left : left + size.width_px].copy())


def write_pairs(pairs: Iterable[FramePair], folder: Path) -> Path:
    """Write pairs as a paired folder, numbered, so that commands can read them; gives back the folder."""
    for side in ("vis", "ir"):
        make_folder(folder / side)
    for number, pair in enumerate(pairs):
        for side, frame in (("vis", pair.visible), ("ir", pair.infrared)):
            write_picture(folder / side / f"{number:04d}.png", frame.pixels)
    return folder
