"""A camera: the contract of everything that gives frames, and what stands in for one that does not answer yet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from coconet.errors import CoconetError, ExitCode
from coconet.runtime.frame import Frame


class Camera(Protocol):
    """A source of frames; `read` may block and knows no lock.

    realtime: True where frames are lost unless they are read in time, so that the newest matters;
    False where every frame is there to be read (files).
    """

    name: str
    realtime: bool

    def read(self) -> Frame | None:
        """The next frame, or None at the end of the stream."""

    def close(self) -> None:
        """Release the device or file; a second call does nothing."""


class SkippingCamera(Camera, Protocol):
    """A camera that can leave frames out before they are made; that is optional, and few have use for it."""

    def skip_to(self, timestamp_ns: int) -> None:
        """Begin the next read at the first frame of this time or later; an earlier time changes nothing."""


def skipper_of(camera: Camera) -> Callable[[int], None] | None:
    """What leaves frames out of a SkippingCamera; None of any other, which has to be read frame by frame."""
    return getattr(camera, "skip_to", None)


def damaged_frames(camera: Camera | None) -> int:
    """How many frames a camera left out because they were torn or did not decode; most do not count, which is 0."""
    return int(getattr(camera, "damaged", 0))


def decoder_of(camera: Camera | None) -> str:
    """What decodes a camera's frames: `software`, or the name of a hardware decoder; empty if nothing is decoded."""
    return str(getattr(camera, "decoded_by", ""))


def reads_on(camera: Camera | None) -> bool:
    """Whether a camera that failed is read again as it is, as nothing opens it again once it is closed.

    What it gives as its end is the end: only of others may that be the end of a connection.
    """
    return bool(getattr(camera, "reads_on", False))


class CameraAbsent(CoconetError):
    """A live camera that does not answer now: switched off, unplugged, out of reach. It may answer later.

    Whatever command asked it, and whenever, that ends with ExitCode.CAMERA.
    """

    exit_code = ExitCode.CAMERA


class CameraWithoutVideo(CameraAbsent):
    """A camera that answers, but with something that is no video: another path, sound alone, a codec nobody knows."""


class AbsentCamera:
    """Raises at every read why the camera could not be opened, so that a capture with a recovery opens it again."""

    realtime = True

    def __init__(self, name: str, absence: CameraAbsent) -> None:
        self.name, self.absence = name, absence

    def read(self) -> Frame | None:
        """Raise the reason."""
        raise self.absence

    def close(self) -> None:
        """There is nothing to close."""
