"""Stamps of frames as the time since 1970, which messages of ROS carry."""

from __future__ import annotations

import time

from coconet.runtime.frame import Frame


class EpochClock:
    """Stamps as the time since 1970: those of live cameras count from when the machine started.

    Recordings keep the stamps that they have, to the nanosecond.
    """

    def __init__(self) -> None:
        self._started_ns = time.time_ns() - time.monotonic_ns()

    def time_ns(self, frame: Frame, stamp_ns: int) -> int:
        """The stamp of a frame, or of its pair."""
        return stamp_ns + (self._started_ns if frame.stamps in ("driver", "stream", "arrival") else 0)
