"""A sender's clock laid onto this machine's, from the first frame on, whatever has piled up before it was read."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, Protocol, TypeVar

_CREEP = 50e-6
"""How fast the difference may grow: two crystals differ by less, and a delay that stays is taken up in the end."""

_JUMP_NS = 1_000_000_000
"""A frame later than this is no delay: the sender stood still, its clock stepped back, or nobody has read meanwhile."""

_PILED = 0.5  # of the sender's time: what is read in less had piled up, as what is read when it is sent takes all of it

_CALM_NS = 250_000_000
"""A pile is over once packets have come no faster than they are sent for so long; within one, a busy machine may stop
for half as long."""

_TIMELESS = 16  # packets without a time at the beginning: FFmpeg gives none to the first of RTSP

_LONGEST_NS, _LARGEST = 30_000_000_000, 2**26
"""The most that is held, in ns of the sender's time and in bytes: a file behind HTTP is a pile to its end."""


class StreamClock:
    """Turns presentation times into monotonic ones, without the jitter of the way.

    A frame cannot arrive before it was sent, so the smallest difference between arrival and presentation time is the
    one without a delay. It is followed down at once, and up only as fast as clocks drift.

    begins_ns: when a live stream was first read, on this machine's clock; what is earlier had piled up. 0 if unknown.
    """

    def __init__(self) -> None:
        self.begins_ns = 0
        self._difference_ns: float | None = None
        self._measured_ns = 0
        self._placed: tuple[int, int] | None = None
        self._step_ns = 0

    def stamp(self, presented_ns: int, arrived_ns: int) -> int:
        """The time of a frame on this machine's monotonic clock, by all that have arrived, this one among them."""
        self.measure(presented_ns, arrived_ns)
        return self._place(presented_ns, arrived_ns)

    @property
    def is_new(self) -> bool:
        """Whether nothing was measured yet."""
        return self._difference_ns is None

    def is_off(self, presented_ns: int, arrived_ns: int) -> bool:
        """Whether an arrival is too late for the difference that is known, or none is known yet."""
        crept_ns = self._crept_ns(arrived_ns)
        return crept_ns is None or arrived_ns - presented_ns - crept_ns > _JUMP_NS

    def measure(self, presented_ns: int, arrived_ns: int) -> None:
        """Note when something arrived; if the clock is off by it, it is measured again."""
        seen_ns, crept_ns = arrived_ns - presented_ns, self._crept_ns(arrived_ns)
        if crept_ns is None or self.is_off(presented_ns, arrived_ns):
            self._difference_ns = seen_ns
        else:
            self._difference_ns = min(crept_ns, seen_ns)
        self._measured_ns = arrived_ns

    def placed(self, presented_ns: int | None, now_ns: int) -> int | None:
        """The time of a frame on this machine's monotonic clock: later than the one before, and never after now.

        One without a time comes a step after the one before; None if there is none before it.
        """
        if presented_ns is None:
            return None if self._placed is None else self._place(self._placed[0] + self._step_ns, now_ns)
        return self._place(presented_ns, now_ns)

    def _place(self, presented_ns: int, now_ns: int) -> int:
        difference_ns = now_ns - presented_ns if self._difference_ns is None else self._difference_ns
        stamp_ns = round(presented_ns + difference_ns)
        if self._placed is not None:
            self._step_ns = presented_ns - self._placed[0]
            stamp_ns = max(stamp_ns, self._placed[1] + 1)
        self._placed = presented_ns, min(stamp_ns, now_ns)
        return self._placed[1]

    def _crept_ns(self, arrived_ns: int) -> float | None:
        if self._difference_ns is None:
            return None
        return self._difference_ns + _CREEP * max(0, arrived_ns - self._measured_ns)


class Sized(Protocol):
    """A packet of a stream."""

    @property
    def size(self) -> int:
        """Its bytes."""


AnyPacket = TypeVar("AnyPacket", bound=Sized)


def measured(
    packets: Iterable[AnyPacket],
    clock: StreamClock,
    time_of: Callable[[AnyPacket], int | None],
    now: Callable[[], int] = time.monotonic_ns,
) -> Iterator[AnyPacket]:
    """Hand on the packets of a live stream, and measure `clock` by when they arrive.

    What is sent while a camera is opened, or while nobody reads, piles up and is then read at once: the time at which
    that is says nothing of when it was sent, except of the last of it. So the first packets, and those by which the
    clock is off, are held until they come no faster than they are sent, and the clock is measured by the one that was
    on its way for the shortest time before the first is handed on. `clock` then knows when the stream was first read,
    unless all of it came faster than live: then it is a file.

    time_of: when a packet was sent, in ns of the clock that presents its frame, None if nobody knows. Those before the
    first that has a time are held too, unless they are many: then the stream has none. now: gives the time in ns, like
    time.monotonic_ns.
    """
    pile: _Pile[AnyPacket] | None = _Pile()
    begun_ns = now()
    try:
        for packet in packets:
            sent_ns, arrived_ns = time_of(packet), now()
            if pile is None and sent_ns is not None and clock.is_off(sent_ns, arrived_ns):
                pile = _Pile()
            if pile is None:
                if sent_ns is not None:
                    clock.measure(sent_ns, arrived_ns)
                yield packet
                continue
            pile.add(packet, sent_ns, arrived_ns)
            if pile.calm or pile.full:
                if pile.calm and clock.is_new:
                    clock.begins_ns = begun_ns
                ended, pile = pile, None
                yield from ended.handed_on(clock)
    except Exception:
        if pile is not None:
            yield from pile.handed_on(clock)  # what came before a connection broke off is as good as it was
        raise
    if pile is not None:
        yield from pile.handed_on(clock)


class _Pile(Generic[AnyPacket]):
    """Packets that may have piled up before they were read. calm: whether what comes now comes as it is sent."""

    def __init__(self) -> None:
        self.calm = False
        self._packets: list[AnyPacket] = []
        self._size = self._held_ns = 0
        self._fast: tuple[int, int] | None = None
        self._least_late: tuple[int, int] | None = None

    @property
    def full(self) -> bool:
        """Whether no more is to be held."""
        timeless = self._fast is None and len(self._packets) >= _TIMELESS
        return timeless or self._held_ns > _LONGEST_NS or self._size > _LARGEST

    def add(self, packet: AnyPacket, sent_ns: int | None, arrived_ns: int) -> None:
        """Hold one packet more."""
        self._packets.append(packet)
        self._size += packet.size
        if sent_ns is None:
            return
        times = sent_ns, arrived_ns
        if self._fast is None or self._least_late is None:
            self._fast = self._least_late = times
            return
        if arrived_ns - sent_ns < self._least_late[1] - self._least_late[0]:
            self._least_late = times
        of_sender_ns, took_ns = sent_ns - self._fast[0], arrived_ns - self._fast[1]
        if took_ns < _PILED * of_sender_ns:
            self._fast, self._held_ns = times, self._held_ns + of_sender_ns
        else:
            self.calm = max(of_sender_ns, took_ns) >= _CALM_NS

    def handed_on(self, clock: StreamClock) -> list[AnyPacket]:
        """Measure the clock, if any of the packets has a time; the packets."""
        if self._least_late is not None:
            clock.measure(*self._least_late)
        return self._packets
