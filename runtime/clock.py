"""Which clock stamps are of, and what they are on the two that others ask for: the monotonic one, and since 1970."""

from __future__ import annotations

import time

from coconet.runtime.frame import Frame, FramePair, StampKind

_EPOCH_FROM_NS = 10**18
"""September 2001 since 1970, and 31 years since a start: what is above counts from 1970, what is below does not."""

_MONOTONIC: frozenset[StampKind] = frozenset({"driver", "stream", "arrival"})


def counts_from_1970(stamp_ns: int) -> bool:
    """Whether a stamp is a time since 1970, as headers of ROS and time.time_ns() have it."""
    return stamp_ns >= _EPOCH_FROM_NS


def live_stamps(stamp_ns: int, kind: StampKind = "driver") -> StampKind:
    """Whose time a live camera's stamp is: `epoch` if it counts from 1970, otherwise `kind`."""
    return "epoch" if counts_from_1970(stamp_ns) else kind


def monotonic_ns(frame: Frame) -> int:
    """When a live frame was taken, on time.monotonic_ns(), whichever clock it is stamped by."""
    return frame.timestamp_ns - (started_ns() if frame.stamps == "epoch" else 0)


def pair_monotonic_ns(pair: FramePair) -> int:
    """The time of a live pair, on time.monotonic_ns()."""
    return monotonic_ns(pair.timed)


class EpochClock:
    """Stamps as the time since 1970, which messages of ROS carry; the one place where they become that.

    Those that count from when this machine started are moved there, by the same amount for all frames of one output.
    Those that count from 1970 stay as they are to the nanosecond, and so do recordings, also where they are replayed
    as if live.
    """

    def __init__(self) -> None:
        self._started = started_ns()

    def time_ns(self, frame: Frame) -> int:
        """The time of a frame."""
        if frame.zero_ns is not None:
            return frame.timestamp_ns + frame.zero_ns
        return frame.timestamp_ns + (self._started if frame.stamps in _MONOTONIC else 0)

    def pair_ns(self, pair: FramePair) -> int:
        """The time of a pair."""
        return self.time_ns(pair.timed)


def started_ns() -> int:
    """When the monotonic clock was at 0, since 1970."""
    return time.time_ns() - time.monotonic_ns()
