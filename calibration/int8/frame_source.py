"""Where calibration frames come from: a folder of pairs, or two recordings through the rig of the live loop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Protocol

from coconet.cards.model_card import FrontEnd
from coconet.errors import CoconetError
from coconet.reading import UNSAID, Reading
from coconet.runtime.cameras.pair_folder import FolderFrames
from coconet.runtime.frame import FramePair
from coconet.runtime.pairing.pair_stream import PairStream
from coconet.runtime.rig.open_rig import open_rig
from coconet.runtime.rig.rig_file import Rig, read_by

RECORDING_STEP = 10
"""Of a recording every tenth frame is looked at unless told otherwise: neighbours show the same."""


class FrameSource(Protocol):
    """Pairs that come in the same order at every iteration."""

    def __iter__(self) -> Iterator[FramePair]:
        """The pairs from the first one on."""

    def front_end(self) -> FrontEnd | None:
        """What the infrared frames went through; None where there are none."""

    def __str__(self) -> str:
        """What the pairs are called in messages."""


@dataclass(frozen=True)
class FolderSource:
    """Every `step`-th pair of a folder, through the thermal front end. Raises CoconetError where FolderFrames does."""

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


@dataclass(frozen=True)
class RigSource:
    """Every `step`-th pair of two recordings, paired, stretched (AGC) and aligned as the live loop does.

    The AGC follows every pair, also those that are not taken.
    """

    rig: Rig
    step: int = RECORDING_STEP

    def __iter__(self) -> Iterator[FramePair]:
        """Replay from the start, as fast as it is read. Raises CoconetError for cameras, which have no end."""
        with self._replayed() as stream:
            yield from islice(stream, 0, None, self.step)

    def front_end(self) -> FrontEnd | None:
        """What the rig does to the frames of its infrared recording."""
        with self._replayed() as stream:
            next(iter(stream), None)
            return stream.front_end()

    def _replayed(self) -> PairStream:
        stream = open_rig(self.rig.model_copy(update={"realtime": False}))
        if stream.realtime:
            with stream:
                raise CoconetError(
                    str(self), wanted="recordings", got="live cameras", remedy="Record them first, then calibrate."
                )
        return stream

    def __str__(self) -> str:
        return " and ".join(table.shown for table in (self.rig.visible, self.rig.infrared))


@dataclass(frozen=True)
class SourceChoice:
    """What the options name: a folder, a rig file or two addresses, one of the three; step None is the default.

    reading: how pictures are read, in place of what a rig file says.
    """

    folder: Path | None = None
    rig: Path | None = None
    visible: str | None = None
    infrared: str | None = None
    step: int | None = None
    reading: Reading = UNSAID

    def open(self) -> FrameSource | None:
        """The source, or None where nothing is named. Raises CoconetError where more or less than one is."""
        addresses = (self.visible, self.infrared)
        named = [self.folder is not None, self.rig is not None, any(addresses)]
        if sum(named) > 1 or (any(addresses) and None in addresses):
            raise CoconetError(
                "calibration frames",
                wanted="--frames, or --rig, or both --visible and --infrared",
                got="one camera without the other" if sum(named) == 1 else "more than one of them",
                remedy="Name one source of frames.",
            )
        if self.folder is not None:
            return FolderSource(self.folder, self.step or 1, self.reading)
        if self.rig is not None:
            return RigSource(read_by(Rig.from_file(self.rig), self.reading), self.step or RECORDING_STEP)
        if self.visible is None or self.infrared is None:
            return None
        rig = Rig.from_addresses(self.visible, self.infrared)
        return RigSource(read_by(rig, self.reading), self.step or RECORDING_STEP)
