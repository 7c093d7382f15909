"""Stamps of ROS on this machine's monotonic clock, and back."""

from __future__ import annotations

from threading import Lock

from coconet.event_log import log_event

_FAR_NS = 10**9
"""A clock that is further off than a message can be late was set, or another bag is played."""


class StampClock:
    """Lays the stamps of all topics onto the monotonic clock by one shift, so that their gaps stay to the nanosecond.

    The shift is that of the first message, and is found again where stamps and arrivals differ by more than a second.
    Any thread may ask.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._shift_ns: int | None = None

    def monotonic_ns(self, stamp_ns: int, arrived_ns: int) -> int:
        """The time of a message that was stamped at stamp_ns, or was not (0), and arrived at arrived_ns."""
        if not stamp_ns:
            return arrived_ns
        with self._lock:
            if self._shift_ns is None or abs(stamp_ns + self._shift_ns - arrived_ns) > _FAR_NS:
                if self._shift_ns is not None:
                    log_event("clock", topics="all", trouble="stamps have jumped")
                self._shift_ns = arrived_ns - stamp_ns
            return stamp_ns + self._shift_ns

    def stamp_ns(self, monotonic_ns: int, started_ns: int) -> int:
        """The stamp that a time belongs to; started_ns, since 1970, is when that clock began, if none was stamped."""
        return monotonic_ns - self._shift_ns if self._shift_ns is not None else monotonic_ns + started_ns
