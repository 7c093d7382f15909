"""Encoders: tried before they are taken, one after the other, and what was chosen is told."""

from __future__ import annotations

import errno
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from coconet.errors import Refused
from coconet.media.encoding.encoded_video import BT601, LIMITED_RANGE
from coconet.media.encoding.encoder import H264, HARDWARE, HardwareEncoder, Use
from coconet.media.encoding.encoder_choice import EncoderChoice
from coconet.media.encoding.trial import Refusal, software_encoder, try_encoder
from coconet.media.encoding.video_writer import VideoWriter
from coconet.media.hardware import v4l2_calls
from coconet.media.video import VideoReader
from tests.support.cameras.gstreamer import gstreamer_missing
from tests.support.media.encoders import FixedChoice, Said, choice_of, device_at, on_processor, through_gstreamer

pytestmark = pytest.mark.skipif("libx264" not in av.codecs_available, reason="this FFmpeg writes no H.264")

MISSING = gstreamer_missing()
SIZE = (96, 64)
NO_SUCH_CODEC = HardwareEncoder("h264_none", ("dev/codec0",), (), ("qp",), (20,))
NO_SUCH_OPTION = HardwareEncoder("libx264", ("dev/codec0",), (("preset", "none"),), ("crf",), (20,))


@pytest.mark.parametrize("use", ["file", "live"])
def test_the_cheapest_level_that_looks_as_libx264_does_is_taken(use: Use) -> None:
    encoder = try_encoder(on_processor(51, 40, 10, 1), use, SIZE)
    assert dict(encoder.options)["crf"] == "10"
    assert encoder.hardware


@pytest.mark.parametrize("use", ["file", "live"])
def test_an_encoder_whose_pictures_are_worse_at_every_level_is_refused(use: Use) -> None:
    with pytest.raises(Refusal, match=r"its pictures are worse, \d+\.\d dB for \d+\.\d"):
        try_encoder(on_processor(51, 45), use, SIZE)


def test_a_stream_needs_a_key_frame_when_asked_for_one_and_a_file_does_not() -> None:
    deaf = HardwareEncoder("mpeg4", (), (("flags", "+qscale"), ("g", "100")), ("global_quality",), (118,))
    assert try_encoder(deaf, "file", SIZE).name == "mpeg4"
    headless = HardwareEncoder("libx264", (), (("x264-params", "repeat-headers=0:keyint=100"),), ("crf",), (10,))
    with pytest.raises(Refusal):
        try_encoder(headless, "live", SIZE)


@pytest.mark.parametrize(
    "candidate", [NO_SUCH_CODEC, NO_SUCH_OPTION, on_processor(51)], ids=["codec", "option", "poor"]
)
def test_an_encoder_that_refuses_gives_way_to_libx264_and_is_told_once(
    tmp_path: Path, candidate: HardwareEncoder
) -> None:
    choice, said = choice_of(candidate, device_at(tmp_path))
    assert [choice.encoder_for("file", SIZE) for _ in range(3)] == [H264] * 3
    assert len(said.warnings) == 1
    assert said.warnings[0].startswith(f"{candidate.name} does not encode 96x64 here (")
    assert not said.notes


def test_an_encoder_that_works_is_told_in_one_line(tmp_path: Path) -> None:
    choice, said = choice_of(on_processor(10), device_at(tmp_path))
    assert choice.encoder_for("file", SIZE) == choice.encoder_for("file", SIZE) != H264
    assert said.notes == ["the output is encoded by libx264."]
    assert choice.facts.used == ("libx264",)


@pytest.mark.parametrize("use", ["file", "live"])
def test_what_the_machine_cannot_have_is_not_tried_and_nothing_is_said(tmp_path: Path, use: Use) -> None:
    said = Said()
    choice = EncoderChoice(root=tmp_path, note=said.notes.append, warn=said.warnings.append)
    assert choice.encoder_for(use, SIZE) == software_encoder(use)
    assert said.notes == said.warnings == []


@pytest.mark.parametrize("here", [one.name for one in HARDWARE])
def test_an_encoder_that_was_asked_for_and_does_not_work_is_an_error(tmp_path: Path, here: str) -> None:
    broken = HardwareEncoder(here, (), (("no", "device"),), ("qp",), (20,), device="none")
    choice = EncoderChoice(broken.name, candidates=[broken], root=tmp_path)  # type: ignore[arg-type]
    with pytest.raises(Refused, match=rf"--encoder {here} does not work here: .*auto"):
        choice.encoder_for("file", (64, 48))


def test_an_encoder_that_failed_is_not_asked_again(tmp_path: Path) -> None:
    choice, said = choice_of(on_processor(10), device_at(tmp_path))
    choice.drop(choice.encoder_for("file", SIZE), "the driver was reset")
    assert choice.encoder_for("file", SIZE) == choice.encoder_for("file", (64, 48)) == H264
    assert said.warnings[0].startswith("libx264 failed while it encoded the output (the driver was reset)")


@pytest.mark.parametrize(
    ("flags", "fourcc", "encodes"),
    [(0x4000, b"H264", True), (0x8000, b"H264", True), (0x4000, b"NV12", False), (0x1, b"H264", False)],
)
def test_a_camera_that_gives_h264_is_no_encoder(tmp_path: Path, flags: int, fourcc: bytes, encodes: bool) -> None:
    def control(file: int, number: int, answer: bytearray) -> int:
        if number == v4l2_calls.QUERY_CAPABILITY:
            answer[:] = v4l2_calls.CAPABILITY.pack(b"codec", b"codec", b"", 6, 0x80000000 | flags, flags)
            return 0
        index, kind = v4l2_calls.FORMAT.unpack(answer)[:2]
        if index or kind != v4l2_calls.CAPTURE_PLANES:
            raise OSError(errno.EINVAL, "Invalid argument")
        answer[:] = v4l2_calls.FORMAT.pack(index, kind, 0, b"", fourcc, 0)
        return 0

    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / "video11").touch()
    found = v4l2_calls.coding_nodes(b"H264", "encode", tmp_path, control)
    assert [node.name for node in found] == (["video11"] if encodes else [])


@pytest.mark.skipif(bool(MISSING), reason=MISSING)
def test_an_encoder_of_gstreamer_is_held_against_libx264_as_well() -> None:
    assert dict(try_encoder(through_gstreamer(51, 40, 10, 2), "live", SIZE).options)["qp-max"] == "10"
    with pytest.raises(Refusal, match="this GStreamer has no nvv4l2nothing"):
        try_encoder(replace(through_gstreamer(20), elements="nvv4l2nothing"), "live", SIZE)


@pytest.mark.skipif(bool(MISSING), reason=MISSING)
def test_a_video_of_a_gstreamer_encoder_has_every_picture_its_time_and_its_colours(tmp_path: Path) -> None:
    path = tmp_path / "fused.mkv"
    encoder = through_gstreamer(2).at(2, "file", *SIZE)
    pictures = [np.full((64, 96, 3), (20, 20, 20 * number), np.uint8) for number in range(9)]
    with VideoWriter(path, FixedChoice(encoder)) as writer:
        for number, picture in enumerate(pictures):
            writer.write(picture, number**2 * 40_000_000)
    with VideoReader(path) as reader:
        frames = list(reader)
    assert [frame.timestamp_ns for frame in frames] == [number**2 * 40_000_000 for number in range(9)]
    assert all(np.abs(frame.pixels.astype(int) - one).mean() < 3 for frame, one in zip(frames, pictures, strict=True))
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
        assert (frame.colorspace, frame.color_range) == (BT601, LIMITED_RANGE)


def test_every_hardware_encoder_says_its_quality_in_its_own_words() -> None:
    options = {one.name: dict(one.at(one.levels[1], "live", 640, 480).options) for one in HARDWARE}
    assert options["h264_nvenc"]["qp"] == options["h264_vaapi"]["qp"] == options["h264_amf"]["qp_p"] == "18"
    assert options["nvv4l2h264enc"]["quant-i-frames"] == options["nvv4l2h264enc"]["quant-p-frames"] == "18"
    assert options["h264_qsv"]["global_quality"] == str(18 * 118)
    assert options["h264_v4l2m2m"]["b"] == str(round(0.3 * 640 * 480 * 30))
