"""A sender's clock laid onto this machine's: by each arrival, and by what has piled up before it was read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from coconet.runtime.cameras.stream_clock import StreamClock, measured

MS = 10**6


def stamped(sent_ms: np.ndarray, delays_ms: np.ndarray) -> np.ndarray:
    clock = StreamClock()
    return (
        np.array([clock.stamp(round(s * MS), round((s + d) * MS)) for s, d in zip(sent_ms, delays_ms, strict=True)])
        / MS
    )


def test_the_jitter_of_the_way_is_gone_once_the_quickest_frame_has_come() -> None:
    rng = np.random.default_rng(0)
    sent = np.arange(0, 4000, 40.0)
    stamps = stamped(sent, 1000 + rng.uniform(0, 30, len(sent)))
    assert np.abs(np.diff(stamps[50:]) - 40).max() < 1.0


def test_no_stamp_is_after_its_arrival() -> None:
    rng = np.random.default_rng(1)
    sent, delays = np.arange(0, 4000, 40.0), rng.exponential(20, 100)
    assert (stamped(sent, delays) <= sent + delays + 1e-6).all()


def test_a_sender_whose_clock_runs_slow_is_followed_for_hours() -> None:
    sent = np.arange(0, 3.6e6, 400.0)
    stamps = stamped(sent, 20 + sent * 30e-6)  # 30 ppm: 108 ms in an hour
    assert abs((sent[-1] + 20 + sent[-1] * 30e-6) - stamps[-1]) < 2.0


def test_a_sender_that_stood_still_is_measured_anew() -> None:
    sent = np.arange(0, 2000, 40.0)
    stamps = stamped(sent, np.where(sent < 1000, 10.0, 5010.0))
    assert stamps[-1] == sent[-1] + 5010.0


@dataclass(frozen=True)
class Packet:
    """What is sent with a time, in ms of the sender, and read at a time of this machine."""

    sent_ms: float | None
    read_ms: float
    size: int = 1000


class Link:
    """Packets as they are read, and the clock of this machine meanwhile; begun_ms: when the first read begins."""

    def __init__(self, packets: Iterable[Packet], begun_ms: float = 0) -> None:
        self.clock, self.packets, self.now_ms = StreamClock(), packets, begun_ms

    def stamps_ms(self) -> Iterator[tuple[Packet, float]]:
        """Packets as they are handed on, with the stamps that their frames get."""
        for packet in measured(self._read(), self.clock, _time_of, lambda: round(self.now_ms * MS)):
            stamp_ns = self.clock.placed(_time_of(packet), round(self.now_ms * MS))
            yield packet, float("nan") if stamp_ns is None else stamp_ns / MS

    def _read(self) -> Iterator[Packet]:
        for packet in self.packets:
            self.now_ms = packet.read_ms
            yield packet


def _time_of(packet: Packet) -> int | None:
    return None if packet.sent_ms is None else round(packet.sent_ms * MS)


def piled(count: int, period_ms: float, *, until_ms: float, delay_ms: float = 5) -> list[Packet]:
    """Packets sent from 0 ms on, of which nobody reads any before `until_ms`; then each takes 1 ms or is waited for."""
    packets, free_ms = list[Packet](), until_ms
    for sent_ms in np.arange(count) * period_ms:
        free_ms = max(free_ms + 1, sent_ms + delay_ms)
        packets.append(Packet(sent_ms, free_ms))
    return packets


@pytest.mark.parametrize("period_ms", [1000 / 60, 1000 / 30, 1000 / 9, 400])
@pytest.mark.parametrize("until_ms", [0, 300, 1900, 9000])
def test_what_piled_up_before_the_first_read_has_the_times_of_its_sender(period_ms: float, until_ms: float) -> None:
    packets = piled(round(until_ms / period_ms) + 60, period_ms, until_ms=until_ms)
    link = Link(packets, begun_ms=until_ms)
    stamps = [(packet.sent_ms, stamp_ms) for packet, stamp_ms in link.stamps_ms()]
    assert np.ptp([stamp - (sent or 0) for sent, stamp in stamps]) < 1.5  # the last of a pile is 1 ms late at most
    assert len(stamps) == len(packets)
    assert link.clock.begins_ns == until_ms * MS


def test_a_busy_machine_may_stop_within_a_pile() -> None:
    packets = [
        Packet(one.sent_ms, one.read_ms + 80 * (index >= 12))
        for index, one in enumerate(piled(60, 1000 / 30, until_ms=1500))
    ]
    stamps = [stamp_ms - (packet.sent_ms or 0) for packet, stamp_ms in Link(packets, begun_ms=1500).stamps_ms()]
    assert np.ptp(stamps) < 1.5


def test_stamps_increase_and_are_never_after_the_time_of_reading() -> None:
    rng = np.random.default_rng(2)
    piles = piled(40, 40, until_ms=1000)
    read = np.maximum.accumulate([one.read_ms + late for one, late in zip(piles, rng.exponential(60, 40), strict=True)])
    link = Link(
        [Packet(one.sent_ms, at + 1e-3 * index) for index, (one, at) in enumerate(zip(piles, read, strict=True))]
    )
    stamps = [(stamp_ms, link.now_ms) for _, stamp_ms in link.stamps_ms()]
    assert (np.diff([stamp for stamp, _ in stamps]) > 0).all()
    assert all(stamp <= now_ms for stamp, now_ms in stamps)


def test_what_piled_up_while_nobody_read_on_has_the_times_of_its_sender() -> None:
    packets = [
        Packet(sent, max(sent + 5, 4000 + sent / 1000) if sent > 1000 else sent + 5) for sent in range(0, 8000, 40)
    ]
    stamps = [stamp_ms - (packet.sent_ms or 0) for packet, stamp_ms in Link(packets).stamps_ms()]
    assert np.ptp(stamps) < 1


@pytest.mark.parametrize("restarts_at_ms", [0, 1040])
def test_a_sender_that_stood_still_or_began_again_is_measured_anew_when_packets_are_read(restarts_at_ms: int) -> None:
    """What follows after 5 s goes on with its numbers, or begins again with the first one."""
    before = [Packet(sent, sent + 10) for sent in range(0, 1040, 40)]
    after = [Packet(restarts_at_ms + later, 6000 + later) for later in range(0, 1000, 40)]
    stamps = [stamp_ms for _, stamp_ms in Link([*before, *after]).stamps_ms()]
    assert stamps[len(before) :] == pytest.approx([one.read_ms for one in after])


def test_packets_that_come_in_clumps_for_ever_are_held_for_no_longer_than_others() -> None:
    packets = [Packet(index * 40, (index // 4) * 160 + 125 + index % 4) for index in range(100)]
    link = Link(packets)
    next(link.stamps_ms())
    assert link.now_ms < 1000


def test_a_file_is_handed_on_before_its_end_and_none_of_it_counts_as_piled_up() -> None:
    link = Link(Packet(index * 40, 10 + index / 100) for index in range(10_000))
    packets = iter(link.stamps_ms())
    first, stamp_ms = next(packets)
    assert first.sent_ms == 0
    assert link.now_ms < 50
    steps = np.diff([stamp_ms, *(stamp for _, stamp in packets)])
    assert steps[:700] == pytest.approx(40)
    assert (steps > 0).all()
    assert link.clock.begins_ns == 0


def test_large_packets_are_not_held_without_end() -> None:
    link = Link(Packet(index * 40, index / 100, size=2**22) for index in range(100))
    next(iter(link.stamps_ms()))
    assert link.now_ms < 0.2


def test_what_came_before_a_connection_broke_off_is_handed_on() -> None:
    def broken() -> Iterator[Packet]:
        yield from piled(5, 40, until_ms=500)
        raise ConnectionResetError

    came = Link(broken()).stamps_ms()
    assert [next(came)[0].sent_ms for _ in range(5)] == [0, 40, 80, 120, 160]
    with pytest.raises(ConnectionResetError):
        next(came)


def test_packets_without_a_time_pass_as_they_come_once_they_are_many() -> None:
    link = Link(Packet(None, index) for index in range(100))
    handed_on = [(packet.read_ms, link.now_ms) for packet, _ in link.stamps_ms()]
    assert handed_on == [(index, max(index, 15)) for index in range(100)]


def test_the_first_packet_of_a_stream_may_lack_its_time_and_another_is_a_step_after_the_one_before() -> None:
    packets = piled(40, 40, until_ms=500)
    packets[0], packets[30] = Packet(None, packets[0].read_ms), Packet(None, packets[30].read_ms)
    stamps = [stamp_ms for _, stamp_ms in Link(packets, begun_ms=500).stamps_ms()]
    assert np.isnan(stamps[0])
    assert np.diff(stamps[1:]) == pytest.approx(40, abs=0.1)
