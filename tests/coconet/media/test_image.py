from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from coconet.errors import CoconetError
from coconet.media.image import read_gray, read_picture, visible_levels, write_picture

RNG = np.random.default_rng(0)
Depth = type[np.uint8 | np.uint16]


@pytest.mark.parametrize(("channels", "dtype"), [(1, np.uint8), (3, np.uint8), (1, np.uint16)])
def test_a_picture_comes_back_as_it_was_written(tmp_path: Path, channels: int, dtype: Depth) -> None:
    pixels = RNG.integers(0, np.iinfo(dtype).max, (7, 9, channels), dtype)
    write_picture(tmp_path / "a.png", pixels)
    assert np.array_equal(read_picture(tmp_path / "a.png"), pixels)


def test_gray_is_bt601_luma(tmp_path: Path) -> None:
    pixels = RNG.integers(0, 256, (5, 6, 3), np.uint8)
    write_picture(tmp_path / "a.png", pixels)
    luma = pixels @ np.array([0.114, 0.587, 0.299])
    assert np.abs(read_gray(tmp_path / "a.png") - luma).max() <= 0.51


def test_a_file_that_is_no_picture_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(CoconetError, match=r"a\.png is not a picture, or is damaged"):
        read_picture(tmp_path / "a.png")


def test_an_empty_file_is_no_picture(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    with pytest.raises(CoconetError, match="is empty; expected a picture"):
        read_picture(tmp_path / "a.png")


def test_an_unknown_ending_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(CoconetError, match=r"has the ending \.xyz"):
        write_picture(tmp_path / "a.xyz", np.zeros((2, 2, 1), np.uint8))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("bits", "said"), [(12, True), (14, True), (16, False)])
def test_visible_samples_that_do_not_fill_16_bits_are_said_to_be_dark(
    capsys: pytest.CaptureFixture[str], bits: int, said: bool
) -> None:
    visible_levels(np.full((4, 4, 3), (1 << bits) - 1, np.uint16), f"of {bits} bits.png")
    assert ("multiply them by" in capsys.readouterr().err) == said


def test_a_disk_that_fills_while_a_picture_is_written_is_named_and_nothing_stays(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(CoconetError, match="cannot be written: File too large"):
            write_picture(tmp_path / "a.png", noise)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not any(tmp_path.iterdir())
