"""Videos that were cut off, or that hide frames: the end is named as what it is, with what to do."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

from coconet.errors import CoconetError
from coconet.media.decoding.transport_stream import breaks_off
from coconet.media.video import VideoReader
from tests.support.media.moving_video import TS_PACKET, moving_video
from tests.support.media.recordings import noisy_video, write_stamped_video


def frames_of(path: Path, *, leaves_out_damage: bool = False) -> int:
    with VideoReader(path, leaves_out_damage=leaves_out_damage) as reader:
        return sum(1 for _ in reader)


@pytest.mark.parametrize("codec", ["libx264", "libx265", "mpeg2video", "mpeg4"])
def test_a_transport_stream_that_ends_within_a_frame_was_cut_off(
    tmp_path: Path, codec: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if codec not in av.codecs_available:
        pytest.skip(f"this FFmpeg writes no {codec}")
    path, data = tmp_path / "a.ts", moving_video(codec, frames=40, options={"x265-params": "log-level=none"})
    path.write_bytes(data[: len(data) * 9 // 10 // TS_PACKET * TS_PACKET + 7])
    with pytest.raises(CoconetError, match=r"is cut off after frame .* the file ends .*copy it again"):
        frames_of(path)
    assert 20 < frames_of(path, leaves_out_damage=True) < 40
    assert "a.ts is cut off" in capsys.readouterr().err
    path.write_bytes(data)
    assert frames_of(path) == 40


@pytest.mark.parametrize(("length", "before"), [(188, 0), (192, 4), (204, 0)])
def test_the_end_of_a_transport_stream_is_told_for_packets_of_every_size(
    tmp_path: Path, length: int, before: int
) -> None:
    packet = bytes(before) + b"\x47" + bytes(length - before - 1)
    (tmp_path / "a.ts").write_bytes(b"lost" + 9 * packet)
    assert not breaks_off(tmp_path / "a.ts")
    (tmp_path / "a.ts").write_bytes(9 * packet + packet[:100])
    assert breaks_off(tmp_path / "a.ts")
    (tmp_path / "a.ts").write_bytes(bytes(9 * TS_PACKET + 5))
    assert not breaks_off(tmp_path / "a.ts")


def test_an_mp4_without_its_index_is_not_sent_to_skip_damage(tmp_path: Path) -> None:
    path = noisy_video(tmp_path / "whole.mp4", 20)
    data = path.read_bytes()
    index = data.index(b"moov")
    (tmp_path / "cut.mp4").write_bytes(data[: index - 4] + data[data.index(b"mdat") - 4 :])
    with pytest.raises(CoconetError, match="without its index, which is written last") as refused:
        VideoReader(tmp_path / "cut.mp4")
    assert "Copy it again" in refused.value.remedy
    assert "--on-error" not in str(refused.value)


def test_frames_that_an_edit_list_hides_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_stamped_video(tmp_path / "a.mp4", [-0.3 + 0.04 * index for index in range(30)])
    assert frames_of(path) == 22
    assert "the frames that its edit list hides" in capsys.readouterr().err


def test_a_file_whose_edit_list_hides_everything_is_an_error(tmp_path: Path) -> None:
    path = write_stamped_video(tmp_path / "a.mp4", [-9 + 0.04 * index for index in range(30)])
    with pytest.raises(CoconetError, match="an edit list that hides all of its frames"):
        frames_of(path)
