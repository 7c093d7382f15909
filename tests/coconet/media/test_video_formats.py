"""A matrix of videos whose samples are known: counts come as they were written, the rest as players show it."""

from __future__ import annotations

import shutil
import subprocess
from fractions import Fraction
from itertools import product
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageOps

from coconet.errors import CoconetError
from coconet.media.decoding.frame_pixels import matrix_orientation
from coconet.media.palettes.palette import palette_colours
from coconet.media.pixels import RawPixels
from coconet.media.video import VideoReader
from tests.support.media.raw_video import VideoForm, write_raw_video

SIZES = ((24, 32), (23, 31))
COUNTS = (
    (".mkv", "ffv1", "gray10le", 10),
    (".mkv", "ffv1", "gray12le", 12),
    (".mkv", "ffv1", "gray14le", 14),
    (".mkv", "ffv1", "gray16le", 16),
    (".mov", "png", "gray16be", 16),
    (".mov", "tiff", "gray16le", 16),
    (".avi", "ffv1", "gray14le", 14),
    (".avi", "png", "gray16be", 16),
    (".apng", "apng", "gray16be", 16),
    (".mov", "rawvideo", "gray16be", 16),
    (".mkv", "libx264", "gray10le", 10),
    (".mkv", "libx265", "gray12le", 12),
    (".nut", "rawvideo", "gray10le", 10),
    (".nut", "rawvideo", "gray16le", 16),
)


LOSSLESS = {"libx264": {"qp": "0"}, "libx265": {"x265-params": "lossless=1:log-level=none"}}
COLOURS = (
    (".avi", "huffyuv", "rgb24"),
    (".avi", "utvideo", "gbrp"),
    (".avi", "rawvideo", "bgr24"),
    (".apng", "apng", "rgb24"),
    (".mov", "png", "rgba"),
    (".mkv", "ffv1", "bgra"),
)


def counts_of(size: tuple[int, int], bits: int) -> NDArray[np.uint16]:
    return (np.arange(size[0] * size[1]).reshape(size) * 37 % (1 << bits)).astype(np.uint16)


def first(path: Path, *, gray: bool = True, palette: str = "auto") -> RawPixels:
    with VideoReader(path, gray=gray, palette=palette) as reader:
        return next(iter(reader)).pixels


@pytest.mark.parametrize(("form", "size"), list(product(COUNTS, SIZES)))
def test_gray_video_of_more_than_eight_bits_gives_its_counts(
    form: tuple[str, str, str, int], size: tuple[int, int], tmp_path: Path
) -> None:
    ending, codec, stored, bits = form
    if codec not in av.codecs_available:
        pytest.skip(f"this FFmpeg writes no {codec}")
    height, width = (32, 48) if codec == "libx265" else size  # which writes no smaller one
    counts = counts_of((height, width), bits)
    array = "gray16le" if bits == 16 else stored
    written = VideoForm(codec, stored, array, options=LOSSLESS.get(codec, {}))
    path = write_raw_video(tmp_path / f"a{ending}", [counts] * 3, written)
    pixels = first(path)
    assert pixels.dtype == np.uint16
    assert np.array_equal(pixels[:, :, 0], counts)


@pytest.mark.parametrize(("form", "size"), list(product(COLOURS, SIZES)))
def test_video_without_loss_gives_the_colours_that_were_written(
    form: tuple[str, str, str], size: tuple[int, int], tmp_path: Path
) -> None:
    ending, codec, stored = form
    picture = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    path = write_raw_video(tmp_path / f"a{ending}", [picture], VideoForm(codec, stored, "bgr24"))
    assert np.array_equal(first(path, gray=False), picture)


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="no ffmpeg on the command line")
@pytest.mark.parametrize("stored", ["yuv420p", "yuv422p10le", "nv12", "yuvj444p", "gray12le"])
def test_visible_video_is_what_ffmpeg_makes_of_it_on_the_command_line(stored: str, tmp_path: Path) -> None:
    picture = np.add.outer(np.arange(24) * 4, np.arange(32) * 4).astype(np.uint8)
    path = write_raw_video(tmp_path / "a.nut", [picture], VideoForm("rawvideo", stored, "gray"))
    words = ["ffmpeg", "-v", "error", "-i", str(path), "-sws_flags", "bicubic+full_chroma_int+accurate_rnd"]
    words += ["-pix_fmt", "bgr24", "-f", "rawvideo", "-"]
    told = subprocess.run(words, capture_output=True, check=True).stdout
    shown = np.frombuffer(told, np.uint8).reshape(24, 32, 3).astype(int)
    assert np.abs(first(path, gray=False).astype(int) - shown).max() <= 1


def test_ten_bit_luma_of_a_gray_picture_is_counts(tmp_path: Path) -> None:
    counts = np.add.outer(np.arange(24), np.arange(32)).astype(np.uint16) * 10 + 64
    form = VideoForm("libx264", "yuv420p10le", "gray10le", options={"qp": "0"})
    pixels = first(write_raw_video(tmp_path / "a.mkv", [counts], form))
    assert pixels.dtype == np.uint16
    ramp = np.polyfit(counts.ravel(), pixels.ravel().astype(float), 1)  # limited range is a scale and an offset
    assert np.abs(np.polyval(ramp, counts) - pixels[:, :, 0]).max() <= 1.0
    assert np.unique(pixels).size > 40


@pytest.mark.parametrize(("matrix", "full", "deep"), list(product((1, 5, 9), (False, True), (False, True))))
def test_colours_follow_the_matrix_and_the_range_of_the_stream(
    matrix: int, full: bool, deep: bool, tmp_path: Path
) -> None:
    """The formulas of BT.601, BT.709 and BT.2020 for one colour, against what comes out."""
    scale, (luma, blue, red) = 4 if deep else 1, (120, 90, 170)
    planes = [np.full((24, 32), luma * scale), np.full((24, 32), blue * scale), np.full((24, 32), red * scale)]
    stored = "yuv444p16le" if deep else "yuv444p"
    samples = np.stack(planes, axis=2 if deep else 0).astype(np.uint16 if deep else np.uint8) * (64 if deep else 1)
    colour = {"colorspace": matrix, "color_range": 2 if full else 1}
    path = write_raw_video(tmp_path / "a.mkv", [samples], VideoForm("ffv1", stored, stored, colour=colour))
    kr, kb = {1: (0.2126, 0.0722), 5: (0.299, 0.114), 9: (0.2627, 0.0593)}[matrix]
    y = luma if full else (luma - 16) * 255 / 219
    u, v = ((chroma - 128) * (1 if full else 255 / 224) for chroma in (blue, red))
    expected_red, expected_blue = y + 2 * (1 - kr) * v, y + 2 * (1 - kb) * u
    expected_green = (y - kr * expected_red - kb * expected_blue) / (1 - kr - kb)
    got = first(path, gray=False)[5, 5]
    assert got == pytest.approx([expected_blue, expected_green, expected_red], abs=2)


@pytest.mark.parametrize("curve", [16, 18])
def test_high_dynamic_range_is_refused_in_words(curve: int, tmp_path: Path) -> None:
    form = VideoForm("ffv1", "yuv420p10le", "gray10le", colour={"color_trc": curve, "colorspace": 9})
    path = write_raw_video(tmp_path / "a.mkv", [counts_of((24, 32), 10)], form)
    with pytest.raises(CoconetError, match=r"has visible pictures of high dynamic range, .*tonemap"):
        first(path, gray=False)


@pytest.mark.parametrize(
    ("degrees", "mirrored", "gray", "size"), list(product((0, 90, 180, 270), (False, True), (False, True), SIZES))
)
def test_video_is_turned_and_mirrored_as_players_do(
    degrees: int, mirrored: bool, gray: bool, size: tuple[int, int], tmp_path: Path
) -> None:
    marks = counts_of(size, 8).astype(np.uint8)
    form = VideoForm("png", "gray", "gray", turn_degrees=degrees, mirrored=mirrored)
    path = write_raw_video(tmp_path / "a.mov", [marks], form)
    shown = np.rot90(marks[:, ::-1] if mirrored else marks, degrees // 90)
    pixels = first(path, gray=gray)
    assert pixels.shape == (*shown.shape, 1 if gray else 3)
    assert np.abs(pixels[:, :, 0].astype(int) - shown).max() <= 1


def test_a_turn_that_is_no_quarter_turn_is_none() -> None:
    assert matrix_orientation([46341, 46341, 0, -46341, 46341, 0, 0, 0, 1 << 30]) is None
    assert matrix_orientation([0] * 9) is None


@pytest.mark.parametrize(("gray", "aspect"), list(product((False, True), (Fraction(2), Fraction(3, 4)))))
def test_pixels_that_are_not_square_are_made_so(gray: bool, aspect: Fraction, tmp_path: Path) -> None:
    form = VideoForm("libx264", "yuv420p", "gray", aspect=aspect)
    pixels = first(write_raw_video(tmp_path / "a.mp4", [np.full((24, 32), 99, np.uint8)], form), gray=gray)
    assert pixels.shape == (24, round(32 * aspect), 1 if gray else 3)
    assert np.abs(pixels.astype(int) - 99).max() <= 1


def test_that_frames_come_in_another_size_than_the_file_names_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, aspect in (("wide.mp4", Fraction(3, 4)), ("square.mp4", Fraction(1))):
        form = VideoForm("libx264", "yuv420p", "gray", aspect=aspect)
        first(write_raw_video(tmp_path / name, [np.full((24, 32), 99, np.uint8)], form), gray=False)
    said = " ".join(capsys.readouterr().err.split())
    assert "wide.mp4: its pixels are not square (3:4); its frames of 32x24 are made 24x24, as players do." in said
    assert "square.mp4:" not in said


def test_pixels_of_no_reasonable_shape_are_refused(tmp_path: Path) -> None:
    form = VideoForm("libx264", "yuv420p", "gray", aspect=Fraction(12))
    path = write_raw_video(tmp_path / "a.mp4", [np.zeros((24, 32), np.uint8)], form)
    with pytest.raises(CoconetError, match="has a sample aspect ratio of 12"):
        VideoReader(path)


@pytest.mark.parametrize("palette", ["ironbow", "jet", "inferno"])
def test_a_coloured_thermal_video_is_turned_back_with_a_warning(
    palette: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    levels = np.add.outer(np.arange(48), np.arange(64)).astype(np.uint8) * 2
    shown = palette_colours(palette)[levels].astype(np.uint8)
    form = VideoForm("libx264", "yuv420p", "bgr24", options={"crf": "8"})
    pixels = first(write_raw_video(tmp_path / "a.mkv", [shown] * 2, form))
    assert np.abs(pixels[:, :, 0].astype(int) - levels).mean() < 4
    assert f"those of the palette {palette}" in capsys.readouterr().err.replace("\n", " ")


def test_a_gray_video_with_the_noise_of_a_codec_in_its_chroma_has_no_colour(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gray = np.random.default_rng(0).integers(0, 256, (48, 64), np.uint8)
    form = VideoForm("mpeg4", "yuv420p", "gray", options={"qscale": "9"})
    assert first(write_raw_video(tmp_path / "a.mp4", [gray] * 3, form)).dtype == np.uint8
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_in_a_video_are_turned_as_their_exif_says(orientation: int, tmp_path: Path) -> None:
    """MJPEG of webcams and drones; FFmpeg hands on EXIF as a kind of side data that PyAV has no name for."""
    exif = Image.Exif()
    exif[274] = orientation
    picture = Image.fromarray(np.add.outer(np.arange(24) * 2, np.arange(32) * 6).astype(np.uint8))
    picture.save(tmp_path / "a.jpg", quality=95, exif=exif)
    with av.open(str(tmp_path / "a.mov"), "w") as container:
        stream = container.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = 32, 24, "yuvj420p"
        packet = av.Packet((tmp_path / "a.jpg").read_bytes())
        packet.stream, packet.pts, packet.dts, packet.time_base = stream, 0, 0, Fraction(1, 25)
        packet.is_keyframe = True
        container.mux(packet)
    shown = np.asarray(ImageOps.exif_transpose(Image.open(tmp_path / "a.jpg"))).astype(int)
    pixels = first(tmp_path / "a.mov")
    assert pixels.shape == (*shown.shape, 1)
    assert np.abs(pixels[:, :, 0] - shown).max() <= 2


def test_counts_in_three_equal_channels_are_the_counts(tmp_path: Path) -> None:
    counts = counts_of((24, 32), 12)
    form = VideoForm("ffv1", "gbrp12le", "rgb48le")
    path = write_raw_video(tmp_path / "a.mkv", [np.repeat(counts[:, :, None] << 4, 3, axis=2)], form)
    assert np.abs(first(path)[:, :, 0].astype(int) - counts).max() <= 1  # FFmpeg rounds on the way to 12 bits


def test_of_two_video_streams_the_first_is_taken_and_that_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with av.open(str(tmp_path / "two.mkv"), "w") as container:
        for _ in range(2):
            stream = container.add_stream("ffv1", rate=25)
            stream.width, stream.height, stream.pix_fmt = 32, 24, "gray"
        for stream, level in zip(container.streams.video, (40, 200), strict=True):
            frame = av.VideoFrame.from_ndarray(np.full((24, 32), level, np.uint8), format="gray")
            container.mux([*stream.encode(frame), *stream.encode(None)])
    assert first(tmp_path / "two.mkv").max() == 40
    assert "2 video streams, of which the first is taken" in capsys.readouterr().err


@pytest.mark.parametrize(("flags", "told"), [("+ildct+ilme", True), ("0", False)])
def test_an_interlaced_video_is_told_and_a_progressive_one_is_not(
    flags: str, told: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    form = VideoForm("mpeg2video", "yuv420p", "gray", options={"flags": flags})
    path = write_raw_video(tmp_path / "a.mkv", [counts_of((64, 64), 8).astype(np.uint8)] * 3, form)
    first(path)
    assert ("says that it is interlaced" in capsys.readouterr().err) == told
