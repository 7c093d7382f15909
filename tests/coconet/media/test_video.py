"""Video files: times, colours, whole files and broken ones."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.codeccontext import VideoCodecContext

from coconet.errors import CoconetError
from coconet.media.encoding.encoder import H264, MPEG4, Encoder
from coconet.media.encoding.video_writer import VideoWriter
from coconet.media.video import VideoFrame, VideoReader
from tests.support.media.encoders import FixedChoice
from tests.support.media.recordings import flat, noisy_video, write_video

COLOURS = [(0, 0, 255), (0, 255, 0), (255, 0, 0), (255, 255, 255), (0, 0, 0), (40, 90, 200)]
UNEVEN_NS = [0, 33_000_000, 70_000_000, 200_000_000, 250_000_000, 1_000_000_000]


@pytest.mark.parametrize("encoder", [H264, MPEG4], ids=lambda encoder: encoder.name)
@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_every_frame_keeps_its_own_time(tmp_path: Path, encoder: Encoder, suffix: str) -> None:
    path = tmp_path / f"uneven{suffix}"
    with VideoWriter(path, FixedChoice(encoder)) as writer:
        for stamp in UNEVEN_NS:
            writer.write(flat(90), 5_000_000_000 + stamp)
    with VideoReader(path) as reader:
        assert [frame.timestamp_ns for frame in reader] == pytest.approx(UNEVEN_NS, abs=1_000_000 / 60)


@pytest.mark.parametrize("encoder", [H264, MPEG4], ids=lambda encoder: encoder.name)
def test_colours_come_back(tmp_path: Path, encoder: Encoder) -> None:
    path = tmp_path / "colours.mp4"
    with VideoWriter(path, FixedChoice(encoder)) as writer:
        for index, colour in enumerate(COLOURS):
            writer.write(np.full((48, 64, 3), colour, np.uint8), index * 40_000_000)
    with VideoReader(path) as reader:
        middles = [frame.pixels[24, 32] for frame in reader]
    assert np.abs(np.array(middles, int) - COLOURS).max() <= 3


def test_gray_frames_use_the_whole_range_from_black_to_white(tmp_path: Path) -> None:
    ramp = np.tile(np.arange(256, dtype=np.uint8)[None, :, None], (32, 1, 1))
    path = write_video(tmp_path / "ramp.mp4", [ramp] * 3)
    with VideoReader(path, gray=True) as reader:
        frame = next(iter(reader))
    assert frame.pixels.shape == (32, 256, 1)
    assert np.abs(frame.pixels.astype(int) - ramp).max() <= 3


def test_an_odd_side_is_made_even_by_its_last_row_and_column(tmp_path: Path) -> None:
    picture = flat(40, 33, 25)
    picture[:, -1] = picture[-1, :] = 200
    with VideoReader(write_video(tmp_path / "odd.mp4", [picture])) as reader:
        frame = next(iter(reader))
    assert frame.pixels.shape == (26, 34, 3)
    assert abs(int(frame.pixels[-1, -1, 1]) - 200) < 12


def test_the_reader_knows_rate_length_and_size(tmp_path: Path) -> None:
    with VideoReader(write_video(tmp_path / "a.mp4", [flat(9)] * 12, fps=25)) as reader:
        assert reader.fps == pytest.approx(25, rel=0.1)
        assert reader.frame_count == 12
        assert (reader.width_px, reader.height_px) == (32, 24)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CoconetError, match=r"none\.mp4 does not exist; expected a video file"):
        VideoReader(tmp_path / "none.mp4")


def test_a_file_that_is_no_video_is_refused(tmp_path: Path) -> None:
    for content, said in (
        (b"not a video at all", r"is a text file; expected a video file\. Name the right file\."),
        (b"", r"is an empty file; expected a video file\. Copy the file again\."),
        (bytes(99), "is not a video, or is damaged"),
    ):
        (tmp_path / "text.mp4").write_bytes(content)
        with pytest.raises(CoconetError, match=said):
            VideoReader(tmp_path / "text.mp4")


def test_a_file_without_a_video_stream_is_refused(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "sound.mkv"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        sound.sample_rate = 8000
        container.mux(stream.encode(sound))
    with pytest.raises(CoconetError, match="has no video stream"):
        VideoReader(tmp_path / "sound.mkv")


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_a_video_that_is_cut_off_gives_its_frames_and_then_says_so(tmp_path: Path, suffix: str) -> None:
    path = noisy_video(tmp_path / f"cut{suffix}", 60)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    frames: list[VideoFrame] = []
    with VideoReader(path) as reader, pytest.raises(CoconetError, match=r"is (damaged in|cut off after) frame"):
        frames.extend(reader)
    assert 10 < len(frames) < 60


def test_an_avi_that_is_cut_off_is_noticed(tmp_path: Path) -> None:
    path, rng = tmp_path / "cut.avi", np.random.default_rng(0)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(60):
            picture = rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(stream.encode(None))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with VideoReader(path) as reader, pytest.raises(CoconetError, match="is cut off after frame"):
        list(reader)


def test_after_an_error_the_older_file_is_still_there(tmp_path: Path) -> None:
    path = write_video(tmp_path / "kept.mp4", [flat(7)])
    before = path.read_bytes()
    with pytest.raises(CoconetError, match=r"holds uint8 frames"):
        write_video(path, [flat(200), flat(200, width=40)])
    assert sorted(file.name for file in tmp_path.iterdir()) == ["kept.mp4", "kept.mp4.unfinished"]
    assert path.read_bytes() == before


def test_a_video_without_frames_is_an_error_and_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(CoconetError, match="was given no frame"):
        VideoWriter(tmp_path / "empty.mp4").close()
    assert not list(tmp_path.iterdir())


def test_frames_of_another_size_are_refused(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.mp4") as writer:
        writer.write(flat(1), 0)
        with pytest.raises(CoconetError, match=r"shape \(24, 32, 3\), and cannot take one of uint8 \(24, 40, 3\)"):
            writer.write(flat(1, width=40), 40_000_000)


def test_times_that_do_not_increase_are_refused(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.mp4") as writer:
        writer.write(flat(1), 100)
        with pytest.raises(CoconetError, match="ns after a later frame"):
            writer.write(flat(1), 100)


def test_an_ending_that_keeps_no_times_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CoconetError, match=r"has the ending \.avi; a video ends in \.mp4, \.mov, \.mkv"):
        VideoWriter(tmp_path / "a.avi")


@pytest.mark.data
def test_a_real_infrared_video_is_gray_whichever_way_it_is_read(data: Path) -> None:
    path = data / "video" / "0117_1605_ir.mp4"
    with VideoReader(path) as colour, VideoReader(path, gray=True) as gray:
        first, luma = next(iter(colour)), next(iter(gray))
    assert np.abs(first.pixels.astype(int) - luma.pixels).max() <= 4
    assert colour.frame_count == 407


KILLED = """
import os, sys
from pathlib import Path
import numpy as np
from coconet.media.encoding.video_writer import VideoWriter
rng, writer = np.random.default_rng(0), VideoWriter(Path(sys.argv[1]))
noise = rng.integers(0, 256, (96, 128, 3), dtype=np.uint8)
for index in range(int(sys.argv[2])):
    writer.write(np.roll(noise, index, axis=1), round(index * 10**9 / 25))
os.kill(os.getpid(), 9)
"""


def killed_after(path: Path, frames: int) -> None:
    assert subprocess.run([sys.executable, "-c", KILLED, str(path), str(frames)], check=False).returncode == -9


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is of POSIX")
@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_a_kill_leaves_a_video_that_plays_and_the_next_writer_finishes_it(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"night{suffix}"
    killed_after(path, 125)  # five seconds
    assert [file.name for file in tmp_path.iterdir()] == [f"night{suffix}.unfinished"]
    with VideoReader(tmp_path / f"night{suffix}.unfinished") as reader:
        left = list(reader)
    assert left[-1].timestamp_ns >= 4 * 10**9
    VideoWriter(path).abandon()
    recovered = tmp_path / f"night-recovered{suffix}"
    assert [file.name for file in tmp_path.iterdir()] == [recovered.name]
    with VideoReader(recovered) as reader:
        again = list(reader)
    assert [frame.timestamp_ns for frame in again] == [frame.timestamp_ns for frame in left]
    assert all(np.array_equal(one.pixels, other.pixels) for one, other in zip(left, again, strict=True))


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is of POSIX")
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_kill_before_anything_is_on_the_disk_is_nothing_to_recover(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"night{suffix}"
    killed_after(path, 1)
    VideoWriter(path).abandon()
    assert not list(tmp_path.glob("*.unfinished"))


def test_what_was_left_and_cannot_be_read_is_kept(tmp_path: Path) -> None:
    (tmp_path / "night.mp4.unfinished").write_bytes(b"neither a video nor nothing")
    VideoWriter(tmp_path / "night.mp4").abandon()
    assert [file.name for file in tmp_path.iterdir()] == ["night-damaged.mp4.unfinished"]


@pytest.mark.skipif(os.name != "posix", reason="locks are of POSIX")
def test_two_writers_of_one_file_do_not_meet(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.mp4") as first:
        first.write(flat(1), 0)
        with pytest.raises(CoconetError, match="is being written by another run"):
            VideoWriter(tmp_path / "a.mp4")
    with VideoReader(tmp_path / "a.mp4") as reader:
        assert len(list(reader)) == 1


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_a_finished_video_has_its_index_in_front(tmp_path: Path, suffix: str) -> None:
    data = write_video(tmp_path / f"a{suffix}", [flat(level) for level in range(100)]).read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    assert b"moof" not in data


def test_no_frame_and_no_thread_of_its_conversion_outlives_its_turn(tmp_path: Path) -> None:
    def frames() -> int:
        return sum(type(thing) is av.VideoFrame for thing in gc.get_objects())

    noisy_video(tmp_path / "a.mp4", 30)
    gc.collect()
    before = frames()  # of other tests
    gc.disable()
    try:
        with VideoReader(tmp_path / "a.mp4") as video:
            assert len(list(video)) == 30
        assert frames() - before <= 2  # the first may be in a cycle
    finally:
        gc.enable()


def test_a_writer_that_is_closed_or_given_up_has_no_encoder_any_more(tmp_path: Path) -> None:
    def encoders() -> int:
        return sum(issubclass(type(thing), VideoCodecContext) for thing in gc.get_objects())

    gc.collect()
    before, ends = encoders(), (VideoWriter.close, VideoWriter.abandon)
    writers = [VideoWriter(tmp_path / f"{number}.mp4") for number in range(2)]
    for writer, end in zip(writers, ends, strict=True):
        writer.write(flat(90), 0)
        assert encoders() > before
        end(writer)
    assert encoders() == before


def test_a_size_that_the_encoder_does_not_take_is_one_clear_error_and_leaves_nothing(tmp_path: Path) -> None:
    wide = np.zeros((2, 20000, 3), np.uint8)
    with (
        pytest.raises(CoconetError, match="cannot hold pictures of 20000x2"),
        VideoWriter(tmp_path / "wide.mp4") as writer,
    ):
        writer.write(wide, 0)
    assert list(tmp_path.iterdir()) == []
