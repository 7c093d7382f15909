"""A sender's clock laid onto this machine's: the earliest arrivals tell how the two differ."""

from __future__ import annotations

_CREEP = 50e-6
"""How fast the difference may grow: two crystals differ by less, and a delay that stays is taken up in the end."""

_JUMP_NS = 1_000_000_000
"""A frame later than this is no delay: the sender stood still or its clock stepped back, and is measured anew."""


class StreamClock:
    """Turns presentation times into monotonic ones, without the jitter of the way.

    A frame cannot arrive before it was sent, so the smallest difference between arrival and presentation time is the
    one without a delay. It is followed down at once, and up only as fast as clocks drift.
    """

    def __init__(self) -> None:
        self._difference_ns: float | None = None
        self._last_ns = 0

    def stamp(self, presented_ns: int, arrived_ns: int) -> int:
        """The time of a frame on this machine's monotonic clock, never after its arrival."""
        seen_ns = arrived_ns - presented_ns
        if self._difference_ns is None:
            self._difference_ns = seen_ns
        else:
            crept_ns = self._difference_ns + _CREEP * max(0, arrived_ns - self._last_ns)
            jumped = seen_ns - crept_ns > _JUMP_NS
            self._difference_ns = seen_ns if jumped else min(crept_ns, seen_ns)
        self._last_ns = arrived_ns
        return round(presented_ns + self._difference_ns)
