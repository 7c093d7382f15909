"""Hardware decoders: taken once they give the pictures of software, left when they fail, and no picture is lost."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache
from hashlib import blake2b
from pathlib import Path

import av
import pytest
from av.packet import Packet
from av.video.stream import VideoStream

from coconet.errors import Refused
from coconet.media.decoding.decoder import HARDWARE, HardwareDecoder
from coconet.media.decoding.decoder_choice import DecoderChoice, software_only
from coconet.media.decoding.frame_pixels import FrameDecoder
from coconet.media.decoding.packet_decoder import DecodingFailed, FFmpegDecoder
from coconet.media.decoding.stream_decoder import ALIKE
from coconet.media.decoding.whole_frames import WholeFrames
from coconet.media.video import VideoReader
from tests.support.cameras.gstreamer import gstreamer_missing
from tests.support.media.decoders import NO_SUCH_CODEC, NO_SUCH_ELEMENT, ON_PROCESSOR, decoders_of, through_gstreamer
from tests.support.media.encoders import device_at
from tests.support.media.moving_video import flipped, moving_video

MISSING = gstreamer_missing()
needs_gstreamer = pytest.mark.skipif(bool(MISSING), reason=MISSING)

VIDEOS = {
    "h264 with B frames": ("libx264", "mpegts", {"bf": "2", "g": "12"}),
    "h264 in mp4": ("libx264", "mp4", {"bf": "0", "g": "12"}),
    "hevc": ("libx265", "mpegts", {"x265-params": "log-level=none:keyint=12", "preset": "ultrafast"}),
}

Picture = tuple[int | None, bytes, bool]


@cache
def made(name: str) -> bytes:
    codec, container, options = VIDEOS[name]
    if codec not in av.codecs_available:
        pytest.skip(f"this FFmpeg writes no {codec}")
    return moving_video(codec, container, frames=36, options=options)


def pictures(data: bytes, choice: DecoderChoice) -> tuple[list[Picture], str]:
    """Time, a digest of the pixels and damage of every outcome, and what decoded at the end."""
    pixels = FrameDecoder("test", gray=False).pixels
    with av.open(io.BytesIO(data), "r") as container:
        frames = WholeFrames(container, container.streams.video[0], "test", choice)
        seen = [
            (one.time_ns, blake2b(pixels(one.frame).tobytes()).digest() if one.frame else b"", one.damage is not None)
            for one in frames
        ]
        decoded_by = frames.decoded_by
        frames.close()
    return seen, decoded_by


@pytest.mark.parametrize("name", VIDEOS)
def test_hardware_that_gives_the_same_pictures_is_taken_and_told_once(tmp_path: Path, name: str) -> None:
    choice, said = decoders_of(device_at(tmp_path), ON_PROCESSOR)
    seen, decoded_by = pictures(made(name), choice)
    assert seen == pictures(made(name), software_only())[0]
    assert decoded_by == "nvdec"
    assert [note.rpartition(" is ")[2] for note in said.notes] == ["decoded by nvdec."]
    assert not said.warnings


@needs_gstreamer
@pytest.mark.parametrize(
    ("name", "elements"), [("h264 in mp4", "openh264dec ! videoconvert"), ("hevc", "libde265dec ! videoconvert")]
)
def test_a_decoder_of_gstreamer_gives_every_picture_with_its_time(tmp_path: Path, name: str, elements: str) -> None:
    candidate = through_gstreamer(elements)
    choice, said = decoders_of(device_at(tmp_path), candidate)
    seen, decoded_by = pictures(made(name), choice)
    if any("has no" in words for words in said.warnings):
        pytest.skip(said.warnings[0])
    assert seen == pictures(made(name), software_only())[0]
    assert decoded_by == "nvv4l2decoder"


@needs_gstreamer
def test_a_decoder_whose_pictures_are_others_is_refused(tmp_path: Path) -> None:
    brighter = through_gstreamer("openh264dec ! videoconvert ! videobalance brightness=0.1 ! videoconvert")
    choice, said = decoders_of(device_at(tmp_path), brighter)
    seen, decoded_by = pictures(made("h264 in mp4"), choice)
    if "has no" in said.warnings[0]:
        pytest.skip(said.warnings[0])
    assert seen == pictures(made("h264 in mp4"), software_only())[0]
    assert decoded_by == "software"
    assert "(its pictures are others than those of software)" in said.warnings[0]


def failing_after(calls: int) -> Callable[[FFmpegDecoder, Packet[VideoStream]], list[av.VideoFrame]]:
    """A decode that fails as one does whose driver is reset, after `calls` calls."""
    real, taken = FFmpegDecoder.decode, [0]

    def decode(self: FFmpegDecoder, packet: Packet[VideoStream]) -> list[av.VideoFrame]:
        taken[0] += 1
        if taken[0] == calls + 1:
            raise DecodingFailed("the driver was reset")
        return real(self, packet)

    return decode


@pytest.mark.parametrize(
    ("name", "calls"),
    [
        *(("h264 with B frames", calls) for calls in (0, ALIKE + 4, ALIKE + 9)),
        *(("h264 in mp4", 2), ("h264 in mp4", ALIKE + 9), ("hevc", ALIKE + 6)),
    ],
)
def test_no_picture_is_lost_or_comes_twice_when_a_decoder_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, calls: int
) -> None:
    monkeypatch.setattr(FFmpegDecoder, "decode", failing_after(calls))
    choice, said = decoders_of(device_at(tmp_path), ON_PROCESSOR)
    seen, decoded_by = pictures(made(name), choice)
    assert seen == pictures(made(name), software_only())[0]
    assert decoded_by == "software"
    assert ["the driver was reset" in words for words in said.warnings] == [True]


def test_damage_is_told_by_a_decoder_that_ffmpeg_feeds_as_by_software(tmp_path: Path) -> None:
    data = flipped(made("h264 with B frames"), 3)
    choice, _ = decoders_of(device_at(tmp_path), ON_PROCESSOR)
    seen, decoded_by = pictures(data, choice)
    expected = pictures(data, software_only())[0]
    assert decoded_by == "nvdec"
    assert any(damaged for _, _, damaged in expected)
    assert [(time, damaged) for time, _, damaged in seen] == [(time, damaged) for time, _, damaged in expected]


@pytest.mark.parametrize(
    ("candidate", "reason"),
    [(NO_SUCH_CODEC, "this FFmpeg has no h264_none"), (NO_SUCH_ELEMENT, "")],
    ids=["FFmpeg", "GStreamer"],
)
def test_what_cannot_be_opened_gives_way_to_the_next(tmp_path: Path, candidate: HardwareDecoder, reason: str) -> None:
    choice, said = decoders_of(device_at(tmp_path), candidate, ON_PROCESSOR)
    assert pictures(made("h264 in mp4"), choice)[1] == "nvdec"
    assert len(said.warnings) == 1
    assert said.warnings[0].startswith(f"{candidate.name} does not decode h264 here ({reason}")


def test_what_the_machine_cannot_have_is_not_tried_and_nothing_is_said(tmp_path: Path) -> None:
    (tmp_path / "dev").mkdir()
    choice, said = decoders_of(tmp_path, *HARDWARE)
    assert pictures(made("h264 in mp4"), choice)[1] == "software"
    assert said.notes == said.warnings == []


def test_a_decoder_that_was_asked_for_and_does_not_work_is_an_error_before_anything_is_read(tmp_path: Path) -> None:
    path = tmp_path / "day.mp4"
    path.write_bytes(made("h264 in mp4"))
    choice = DecoderChoice("qsv", candidates=[NO_SUCH_CODEC])
    with pytest.raises(Refused, match=r"--decoder qsv does not work here: this FFmpeg has no .*auto"):
        VideoReader(path, decoders=choice)


def test_a_codec_for_which_no_hardware_is_tried_is_said(tmp_path: Path) -> None:
    path = tmp_path / "day.avi"
    path.write_bytes(moving_video("mpeg4", "avi"))
    with pytest.raises(Refused, match=r"no hardware is tried for mpeg4"):
        VideoReader(path, decoders=DecoderChoice("nvdec", candidates=[ON_PROCESSOR]))


def test_samples_of_more_than_8_bits_stay_with_software(tmp_path: Path) -> None:
    data = moving_video("libx264", "mp4", frames=9, pix_fmt="yuv420p10le", options={"g": "3"})
    choice, said = decoders_of(device_at(tmp_path), ON_PROCESSOR)
    assert pictures(data, choice)[1] == "software"
    assert said.notes == [
        "test: h264 of yuv420p10le is decoded by software, as hardware is tried for 8 bit 4:2:0 only."
    ]
    assert pictures(made("h264 in mp4"), choice)[1] == "nvdec"
