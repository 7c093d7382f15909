"""Where calibration frames come from: a folder of pairs, or two recordings through the rig of the live loop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Protocol

from coconet.cards.model_card import FrontEnd
from coconet.errors import CoconetError
from coconet.reading import UNSAID, Reading
from coconet.runtime.cameras.pair_folder import FolderFrames
from coconet.runtime.frame import FramePair
from coconet.runtime.rig.rig_file import Rig, read_by
from coconet.runtime.rig.sample_frames import RigFrames, inputs_of, rig_file_at

RECORDING_STEP = 10
"""Of a recording every tenth frame is looked at unless told otherwise: neighbours show the same."""


class FrameSource(Protocol):
    """Pairs that come in the same order at every iteration."""

    def __iter__(self) -> Iterator[FramePair]:
        """The pairs from the first one on."""

    def front_end(self) -> FrontEnd | None:
        """What the infrared frames went through; None if there are none."""

    def __str__(self) -> str:
        """What the pairs are called in messages."""


@dataclass(frozen=True)
class FolderSource:
    """Every `step`-th pair of a folder, through the thermal front end. Raises CoconetError if FolderFrames does."""

    folder: Path
    step: int = 1
    reading: Reading = UNSAID

    def __post_init__(self) -> None:
        self._frames()

    def __iter__(self) -> Iterator[FramePair]:
        """Read the pictures again."""
        return islice(self._frames(), 0, None, self.step)

    def front_end(self) -> FrontEnd:
        """What the first picture goes through, and so all of them."""
        frames = self._frames()
        next(iter(frames), None)
        return frames.front_end

    def _frames(self) -> FolderFrames:
        return FolderFrames(self.folder, self.reading.thermal(), self.reading.pair_by)

    def __str__(self) -> str:
        return str(self.folder)


def frames_at(source: Path, reading: Reading = UNSAID, step: int | None = None) -> FrameSource:
    """The pairs of a folder, of a rig file, or of the folder of a recording; step None is 1 of a folder, else 10.

    Raises CoconetError if sample_frames does.
    """
    rig_file = rig_file_at(source)
    if rig_file is not None:
        return RigFrames(read_by(Rig.from_file(rig_file), reading), step or RECORDING_STEP)
    return FolderSource(source, step or 1, reading)


def check_frames(source: Path, reading: Reading = UNSAID) -> FrameSource:
    """Every pair of what frames_at takes, to compare on; `pair_by` is asked only if names do not pair without it."""
    try:
        return frames_at(source, replace(reading, pair_by=None), 1)
    except CoconetError:
        if reading.pair_by is None:
            raise
        return frames_at(source, reading, 1)


@dataclass(frozen=True)
class SourceChoice:
    """What the options name: one of a folder, or what else frames_at takes, a rig file, and two addresses.

    step: None is the default.

    reading: how pictures are read, in place of what a rig file says.
    """

    folder: Path | None = None
    rig: Path | None = None
    visible: str | None = None
    infrared: str | None = None
    step: int | None = None
    reading: Reading = UNSAID

    def inputs(self) -> tuple[Path | str | None, ...]:
        """What is read, that no output may harm. Raises CoconetError for a rig file that is none."""
        named = () if self.rig is None else (self.rig, *Rig.from_file(self.rig).sources)
        return (*inputs_of(self.folder), self.visible, self.infrared, *named)

    def open(self) -> FrameSource | None:
        """The source, or None if nothing is named. Raises CoconetError if more or less than one is."""
        addresses = (self.visible, self.infrared)
        named = [self.folder is not None, self.rig is not None, any(addresses)]
        if sum(named) > 1 or (any(addresses) and None in addresses):
            raise CoconetError(
                "calibration frames",
                wanted="--frames, or --rig, or both --visible and --infrared",
                got="one camera without the other" if sum(named) == 1 else "more than one of them",
                remedy="Name one source of frames.",
                says="need both --visible and --infrared"
                if sum(named) == 1
                else "are named more than once, by --frames, --rig, or --visible and --infrared",
            )
        if self.folder is not None:
            return frames_at(self.folder, self.reading, self.step)
        if self.rig is not None:
            return RigFrames(read_by(Rig.from_file(self.rig), self.reading), self.step or RECORDING_STEP)
        if self.visible is None or self.infrared is None:
            return None
        rig = Rig.from_addresses(self.visible, self.infrared)
        return RigFrames(read_by(rig, self.reading), self.step or RECORDING_STEP)
