"""Times of frames for which a file states none."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from av.packet import Packet
from av.video.stream import VideoStream

from coconet.media.decoding.frame_times import FrameTimes
from coconet.media.video import VideoReader
from tests.support.media.moving_video import moving_video
from tests.support.media.recordings import write_stamped_video


def packets(times_ms: Sequence[int | None]) -> Iterator[Packet[VideoStream]]:
    for time_ms in times_ms:
        packet: Any = Packet(b"coded")
        packet.pts, packet.time_base = time_ms, Fraction(1, 1000)
        yield packet


def told(
    stated_ms: Sequence[int | None], fps: float | None, coded_ms: Sequence[int | None] | None = None
) -> list[float]:
    times = FrameTimes(fps)
    coded = list(times.leading_to(packets(stated_ms if coded_ms is None else coded_ms)))
    assert [packet.pts for packet in coded] == list(stated_ms if coded_ms is None else coded_ms)
    return [times.of(None if one is None else one * 10**6, shown=True) / 10**6 for one in stated_ms]


@pytest.mark.parametrize("fps", [25.0, None])
def test_frames_before_the_first_known_time_lead_up_to_it(fps: float | None) -> None:
    assert told([None, None, 20, 60, 100], fps) == [-60, -20, 20, 60, 100]


def test_the_first_known_time_is_the_earliest_whatever_the_order_of_decoding() -> None:
    assert told([None, None, 20, 60, 100], 25.0, coded_ms=[None, 60, None, 20, 100]) == [-60, -20, 20, 60, 100]


def test_a_frame_without_a_time_comes_a_period_after_the_one_before() -> None:
    assert told([500, None, None, 620, None], 25.0) == [500, 540, 580, 620, 660]


@pytest.mark.parametrize(("fps", "wanted"), [(50.0, [0, 20, 40, 60]), (None, [0, 40, 80, 120])])
def test_a_stream_without_any_times_begins_at_zero(fps: float | None, wanted: list[int]) -> None:
    assert told([None] * 4, fps) == wanted


def test_a_stream_without_times_is_not_read_to_its_end_first() -> None:
    taken: Iterator[int] = itertools.count()
    endless = (packet for packet in packets([None] * 5000) if next(taken) >= 0)
    next(FrameTimes(25.0).leading_to(endless))
    assert next(taken) < 1000


@pytest.mark.parametrize("suffix", [".mkv", ".ts", ".mp4"])
def test_a_file_that_begins_before_zero_keeps_its_times(tmp_path: Path, suffix: str) -> None:
    stamps_s = [-0.3 + 0.04 * index for index in range(30)]
    with VideoReader(write_stamped_video(tmp_path / f"a{suffix}", stamps_s)) as reader:
        times_s = [frame.timestamp_ns / 1e9 for frame in reader]
    kept = [stamp for stamp in stamps_s if suffix != ".mp4" or stamp > 0]  # its edit list hides what is before
    assert times_s == pytest.approx([stamp - (kept[0] if suffix == ".mp4" else 0) for stamp in kept], abs=0.021)


@pytest.mark.skipif("libx264" not in av.codecs_available, reason="this FFmpeg writes no H.264")
def test_a_raw_stream_has_the_rate_alone(tmp_path: Path) -> None:
    (tmp_path / "a.h264").write_bytes(moving_video(container="h264", frames=20))
    with VideoReader(tmp_path / "a.h264") as reader:
        assert [frame.timestamp_ns for frame in reader] == [index * 40_000_000 for index in range(20)]
