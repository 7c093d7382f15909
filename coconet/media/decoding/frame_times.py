"""The times of frames, also of those for which a file states none."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, pairwise
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.stream import VideoStream

SECOND_NS = 10**9

_USUAL_PERIOD_NS = SECOND_NS / 25

_REORDERED = 16  # packets: no codec shows a picture more than this many after it has come

_MOST_HELD = 512  # packets: a stream without any times is not to be read to its end first


class FrameTimes:
    """Says when frames are shown; one without a time comes one period after the frame before.

    FFmpeg gives no times to what lies before the zero of a Matroska file, and none at all to raw streams. Frames before
    the first known time lead up to it; if there is none, the first frame is at 0.
    """

    def __init__(self, fps: float | None) -> None:
        """fps: the rate that the file states; None if it states none."""
        self._period_ns = SECOND_NS / fps if fps else _USUAL_PERIOD_NS
        self._known_ns, self._since, self._states_rate = 0, -1, bool(fps)

    def leading_to(self, packets: Iterator[Packet[VideoStream]]) -> Iterator[Packet[VideoStream]]:
        """Hand on all packets of a stream, after a look at those without a time at its beginning."""
        held: list[Packet[VideoStream]] = []
        known_ns: list[int] = []
        untimed = timed = 0
        for packet in packets:
            held.append(packet)
            if packet.pts is not None and packet.time_base is not None:
                known_ns.append(round(packet.pts * packet.time_base * SECOND_NS))
                timed += 1
            elif packet.size:
                untimed, timed = untimed + 1, 0
            if not untimed or not packet.size or timed > _REORDERED or len(held) == _MOST_HELD:
                break
        if untimed and known_ns:
            self._lead_to(sorted(known_ns), untimed)
        return chain(held, packets)

    def _lead_to(self, known_ns: list[int], frames: int) -> None:
        if not self._states_rate and len(known_ns) > 1:
            self._period_ns = median(later - earlier for earlier, later in pairwise(known_ns))
        self._known_ns = known_ns[0] - round(frames * self._period_ns)

    def of(self, stated_ns: int | None, *, shown: bool) -> int:
        """The time of the next frame, in ns; shown: whether there is one, and not only what should have been one."""
        if stated_ns is not None:
            self._known_ns, self._since = stated_ns, 0
            return stated_ns
        self._since += shown
        return self._known_ns + round(max(0, self._since) * self._period_ns)
