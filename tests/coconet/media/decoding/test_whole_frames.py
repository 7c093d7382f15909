"""Damaged streams of several codecs, held against their whole ones: no damaged frame is given as whole."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import av
import numpy as np
import pytest

from coconet.media.decoding.whole_frames import Damage, WholeFrames
from coconet.media.pixels import RawPixels
from tests.support.media.moving_video import TS_PACKET, flipped, holed, moving_video, without_packet

CODECS: Mapping[str, tuple[str, str, str, dict[str, str]]] = {
    "h264": ("libx264", "mpegts", "yuv420p", {}),
    "h264 with B frames, slices and open groups": (
        *("libx264", "mpegts", "yuv420p"),
        {"bf": "2", "x264-params": "slices=4:open-gop=1:keyint=25"},
    ),
    "hevc": ("libx265", "mpegts", "yuv420p", {"x265-params": "log-level=none:keyint=25", "preset": "ultrafast"}),
    "mpeg4": ("mpeg4", "mpegts", "yuv420p", {}),
    "mpeg2": ("mpeg2video", "mpegts", "yuv420p", {}),
    "h264 in matroska": ("libx264", "matroska", "yuv420p", {}),
    "ffv1": ("ffv1", "matroska", "yuv420p", {"level": "3", "slices": "4", "slicecrc": "1"}),
    "png": ("png", "mov", "rgb24", {}),
}


@cache
def made(name: str) -> bytes:
    codec, container, pix_fmt, options = CODECS[name]
    if codec not in av.codecs_available:
        pytest.skip(f"this FFmpeg writes no {codec}")
    return moving_video(codec, container, pix_fmt=pix_fmt, options=options)


@dataclass
class Seen:
    """whole: pictures given as whole, by their time. damage: what was said of the others."""

    whole: dict[int | None, RawPixels]
    damage: list[Damage]
    damaged: int
    headless: int


@cache
def seen(data: bytes) -> Seen:
    with av.open(io.BytesIO(data), "r") as container:
        frames = WholeFrames(container, container.streams.video[0], "test")
        outcomes = list(frames)
    whole = {one.time_ns: one.frame.to_ndarray(format="gray") for one in outcomes if one.frame and not one.damage}
    return Seen(whole, [one.damage for one in outcomes if one.damage], frames.damaged, frames.headless)


def check_true(given: Seen, whole: Seen) -> None:
    assert whole.damaged == whole.headless == 0
    assert len(whole.whole) == 100
    for time_ns, picture in given.whole.items():
        assert np.abs(picture.astype(int) - whole.whole[time_ns]).mean() < 0.5


@pytest.mark.parametrize("name", [name for name, form in CODECS.items() if form[1] == "mpegts"])
def test_frames_around_lost_packets_are_damaged_up_to_the_next_key_frame(name: str) -> None:
    data = made(name)
    given = seen(holed(data))
    check_true(given, seen(data))
    assert 5 < given.damaged < 60
    assert 40 <= len(given.whole) <= 95
    assert max(time or 0 for time in given.whole) >= 3.9e9  # it recovers


@pytest.mark.parametrize("name", ["mpeg2", "h264 in matroska", "ffv1", "png"])
def test_what_the_decoder_complains_about_is_damaged(name: str) -> None:
    """Errors that bits turned over cause, concealed or not; MPEG-4, HEVC, VP9 and MJPEG do not notice each of them."""
    data = made(name)
    given = seen(flipped(data))
    check_true(given, seen(data))
    assert given.damaged
    assert any(damage.certain for damage in given.damage)
    assert given.whole


@pytest.mark.parametrize("name", ["h264", "hevc"])
def test_recordings_that_were_joined_lose_no_more_than_what_touches_the_seam(name: str) -> None:
    data = made(name)
    given = seen(data + data)
    assert given.damaged <= 2
    assert not any(damage.certain for damage in given.damage)


@pytest.mark.parametrize("name", ["h264", "h264 with B frames, slices and open groups", "hevc", "mpeg2"])
def test_a_recording_that_begins_between_key_frames_begins_with_the_next(name: str) -> None:
    data = made(name)
    given = seen(data[TS_PACKET * (len(data) // TS_PACKET // 3) :])
    check_true(given, seen(data))
    assert given.damaged == 0
    assert 40 <= len(given.whole) <= 75


FORMS = {
    "one picture after the other": {},
    "a pyramid": {"bf": "3", "x264-params": "b-pyramid=normal:ref=4"},
    "fields": {"x264-params": "interlaced=1"},
    "scaling lists": {"x264-params": "cqm=jvt"},
    "small slices": {"x264-params": "slice-max-size=400"},
}


@pytest.mark.slow
@pytest.mark.skipif("libx264" not in av.codecs_available, reason="this FFmpeg writes no H.264")
@pytest.mark.parametrize("form", FORMS)
def test_a_picture_that_was_lost_as_a_whole_is_missed_by_those_that_build_on_it(form: str) -> None:
    """FFmpeg puts the picture before in its place, and complains about nothing."""
    for container in ("matroska", "mpegts"):
        data = moving_video(container=container, frames=60, options=FORMS[form])
        whole, given = seen(data), seen(without_packet(data, 29))
        assert whole.damaged == 0
        assert len(whole.whole) == 60
        true = [picture.astype(int) for picture in whole.whole.values()]
        assert given.damaged
        assert all(min(np.abs(picture - one).mean() for one in true) < 0.5 for picture in given.whole.values())


def test_a_picture_of_hevc_that_was_lost_is_missed() -> None:
    given = seen(without_packet(made("hevc"), 30))
    assert given.damaged >= 10
