"""A camera that is not there yet: it stands in for one that may answer later, and is lost until then."""

from __future__ import annotations

from coconet.errors import CoconetError
from runtime.frame import Frame


class CameraAbsent(CoconetError):
    """A live camera that does not answer now: switched off, unplugged, out of reach. It may answer later."""


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
