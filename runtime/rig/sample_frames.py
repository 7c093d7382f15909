"""Sample frames: the pairs that models are tried on, of a folder of pictures, of a rig file, or of a recording."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from coconet.cards.model_card import FrontEnd
from coconet.errors import CoconetError, Refused
from coconet.media.naming.bag_names import is_bag
from coconet.media.naming.picture_folder import check_folder
from coconet.media.naming.picture_names import is_picture
from coconet.media.pairs import homes_of_both
from coconet.reading import UNSAID, Reading
from coconet.runtime.cameras.pair_folder import FolderFrames
from coconet.runtime.frame import FramePair
from coconet.runtime.pairing.pair_stream import PairStream
from coconet.runtime.rig.open_rig import open_rig
from coconet.runtime.rig.rig_file import Rig, read_by

RIG_NAME = "rig.toml"
"""What the rig file is called that lies in the folder of a recording."""


@dataclass(frozen=True)
class RigFrames:
    """Every `step`-th pair of two recordings, paired, stretched (AGC) and aligned as the live loop does.

    The AGC follows every pair, also those that are not taken. laid: whether infrared pictures are laid onto the visible
    ones; otherwise they keep their size, with the alignment as the `warp` of their pair.
    """

    rig: Rig
    step: int = 1
    laid: bool = True

    def __iter__(self) -> Iterator[FramePair]:
        """Replay from the start, as fast as it is read. Raises CoconetError for cameras, which have no end."""
        with self.replay() as stream:
            yield from islice(stream, 0, None, self.step)

    def front_end(self) -> FrontEnd | None:
        """What the rig does to the frames of its infrared recording."""
        with self.replay() as stream:
            next(iter(stream), None)
            return stream.front_end()

    def replay(self, *, gives_misfits: bool = False) -> PairStream:
        """Open the rig to read every pair, as fast as that goes; gives_misfits: as open_rig takes it.

        Raises CoconetError for live cameras.
        """
        stream = open_rig(self.rig.model_copy(update={"realtime": False}), gives_misfits=gives_misfits)
        if stream.realtime:
            with stream:
                raise CoconetError(
                    str(self),
                    wanted="recordings",
                    got="live cameras",
                    remedy="Record them first: coconet record.",
                    says="has live cameras, and recordings are needed",
                )
        if not self.laid:
            stream.leave_alignment_to_model()
        return stream

    def __str__(self) -> str:
        return " and ".join(table.display_name for table in (self.rig.visible, self.rig.infrared))


def rig_file_at(source: Path) -> Path | None:
    """The rig file or bag that a path names, or the rig file of a recording's folder; None for what is neither.

    A folder of paired pictures is none, whatever lies beside them. Raises Refused for any other file.
    """
    if is_bag(source):
        return source
    if source.is_dir():
        check_folder(source, "a rig file or the folder of a recording")
        recorded = (source / RIG_NAME).is_file() and not any(map(is_picture, source.iterdir()))
        return source / RIG_NAME if recorded and not homes_of_both(source) else None
    if source.suffix.lower() == ".toml":
        return source
    if source.is_file() and not is_picture(source):  # a radiometric picture is both sides
        raise Refused(
            source,
            wanted="a folder of paired pictures, a rig file, a bag, or the folder of a recording",
            got="another file",
            remedy="Of two videos coconet init --visible A --infrared B writes a rig file: name that.",
            says="is not a folder of paired pictures, a rig file, a bag or a recording",
        )
    return None


def inputs_of(source: Path | None) -> tuple[Path | str, ...]:
    """All that sample frames are read from, which no output may harm: with a rig file also what it names.

    Raises CoconetError for a rig file that is none, and what rig_file_at raises.
    """
    if source is None:
        return ()
    rig_file = rig_file_at(source)
    return (source,) if rig_file is None else (source, rig_file, *Rig.from_file(rig_file).sources)


def check_frames(source: Path | None, reading: Reading = UNSAID) -> None:
    """Look at what sample_frames would read, without reading a picture; None is nothing to look at.

    Raises CoconetError as sample_frames does, and for recordings that are not there.
    """
    if source is None:
        return
    frames = sample_frames(source, reading)
    if isinstance(frames, RigFrames):
        from coconet.runtime.cameras.open_camera import check_sources

        check_sources(frames.rig.visible.address, frames.rig.infrared.address)


def sample_frames(source: Path, reading: Reading = UNSAID) -> FolderFrames | RigFrames:
    """The pairs of a folder as FolderFrames has them, or all those of a rig file or of the folder of a recording.

    Raises CoconetError for what is none of these, and if Rig and FolderFrames do.
    """
    rig_file = rig_file_at(source)
    if rig_file is not None:
        return RigFrames(read_by(Rig.from_file(rig_file), reading))
    return FolderFrames(source, reading.thermal(), reading.pair_by)
