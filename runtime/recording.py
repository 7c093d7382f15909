"""A recording as a camera: the pixels and the times of a lossless video and its stamps, exactly as they came."""

from __future__ import annotations

from pathlib import Path

from coconet.errors import CoconetError
from runtime.frame import Frame
from runtime.stamp_sheet import read_stamps

STAMPS_SUFFIX = ".stamps.csv"


def stamps_beside(video: Path) -> Path:
    """Where the stamps of a lossless video are."""
    return video.with_suffix(STAMPS_SUFFIX)


class RecordedCamera:
    """One side of a recording; frames_expected: the frames that have a stamp.

    interrupted: whether the recording ended with a crash or a full disk; it is then given up to where it is whole.
    """

    realtime = False

    def __init__(self, video: Path) -> None:
        """Open a video that has its stamps beside it. Raises CoconetError where either is missing or no such file."""
        from coconet.raw_video import RawVideoReader

        stamps, whole = read_stamps(stamps_beside(video))
        self.name, self.frames_expected, self.interrupted = str(video), len(stamps), not whole
        self._stamps, self._given = iter(stamps), 0
        self._reader = RawVideoReader(video)
        self._pictures = iter(self._reader)

    def read(self) -> Frame | None:
        """The next frame, with its index, its name and its time since the recording began.

        Raises CoconetError where a recording that was closed as whole has fewer pictures than stamps.
        """
        stamp = next(self._stamps, None)
        pixels = None if stamp is None else next(self._pictures, None)
        if stamp is None or (pixels is None and self.interrupted):
            return None
        if pixels is None:
            raise CoconetError(
                self.name,
                wanted=f"{self.frames_expected} pictures, one for each stamp",
                got=f"damage or an end after picture {self._given}",
                remedy="Copy the recording again; `coconet run` needs all of it.",
            )
        self._given += 1
        return Frame(pixels, stamp.timestamp_ns, stamp.index, stamp.name)

    def close(self) -> None:
        """Close the video."""
        self._reader.close()
