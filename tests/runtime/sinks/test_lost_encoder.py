"""A hardware encoder that fails on the way: no frame is lost, and every file is whole."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

from coconet.media.encoding.encoder import HardwareEncoder
from coconet.media.video import VideoReader
from coconet.runtime.sinks.network_stream import StreamSink
from coconet.runtime.sinks.video_file import RotatingSink, Rotation, VideoSink, kept_files
from tests.support.media.encoders import choice_of, device_at, fail_after, on_processor
from tests.support.media.frames import frames_in_video, fused_frame

pytestmark = pytest.mark.skipif("libx264" not in av.codecs_available, reason="this FFmpeg writes no H.264")

FRAMES, SIZE = 12, (24, 16)


def levels_in(path: Path) -> list[int]:
    with VideoReader(path) as video:
        return [round(float(frame.pixels.mean()) / 10) for frame in video]


def write(sink: VideoSink | RotatingSink | StreamSink, frames: int = FRAMES) -> None:
    for index in range(frames):
        sink.write(fused_frame(index, level=10 * (index + 1)))


@pytest.mark.parametrize("held", [0, 3])
@pytest.mark.parametrize("calls", [0, 1, 5, FRAMES - 1, FRAMES])  # the last one empties the encoder
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_every_frame_is_in_one_of_two_whole_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: int, calls: int, suffix: str
) -> None:
    choice, said = choice_of(on_processor(1, held=held), device_at(tmp_path / "machine"))
    out = tmp_path / "out"
    out.mkdir()
    sink = VideoSink(out / f"a{suffix}", choice)
    choice.encoder_for("file", SIZE)
    fail_after(monkeypatch, calls)
    write(sink)
    sink.close()
    names = sorted((path.name for path in out.iterdir()), key=len)
    assert names in ([f"a{suffix}"], [f"a{suffix}", f"a-2{suffix}"])
    assert [level for name in names for level in levels_in(out / name)] == list(range(1, FRAMES + 1))
    assert len(said.warnings) == 1
    assert "the driver was reset" in said.warnings[0]


def test_a_file_that_was_rotated_is_kept_and_deleted_with_its_second_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    choice, _ = choice_of(on_processor(1), device_at(tmp_path / "machine"))
    choice.encoder_for("file", SIZE)
    fail_after(monkeypatch, 3)
    sink = RotatingSink(tmp_path / "day.mp4", Rotation(seconds=3600), choice)
    write(sink)
    sink.close()
    files = kept_files(tmp_path / "day.mp4")
    assert sorted(level for path in files for level in levels_in(path)) == list(range(1, FRAMES + 1))
    assert len(files) == 2


def test_a_stream_goes_on_with_the_next_encoder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    choice, said = choice_of(on_processor(1), device_at(tmp_path / "machine"))
    choice.encoder_for("live", SIZE)
    fail_after(monkeypatch, 4)
    sink = StreamSink("h264:-", choice)
    write(sink)
    sink.close()
    (tmp_path / "a.ts").write_bytes(capfdbinary.readouterr().out)
    with av.open(str(tmp_path / "a.ts")) as container:
        assert len(list(container.decode(video=0))) == FRAMES
    assert len(said.warnings) == 1


def test_an_encoder_that_swallows_pictures_is_given_up_and_none_is_lost(tmp_path: Path) -> None:
    swallowing = HardwareEncoder(
        "libx264", (), (("preset", "veryslow"), ("x264-params", "rc-lookahead=60")), ("crf",), (1,)
    )
    choice, said = choice_of(swallowing, tmp_path)
    sink = VideoSink(tmp_path / "a.mp4", choice)
    choice._chosen["file", SIZE] = swallowing.at(1, "file", *SIZE)
    for index in range(60):
        sink.write(fused_frame(index, level=4 * index))
    sink.close()
    assert frames_in_video(tmp_path / "a.mp4") == 60
    assert "nothing came out for 33 pictures" in said.warnings[0]
