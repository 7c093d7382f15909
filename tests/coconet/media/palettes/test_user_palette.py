"""Palettes of the user's own, read from CSV."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from coconet.errors import CoconetError
from coconet.media.palettes.user_palette import read_palette


def read(tmp_path: Path, text: str) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    (tmp_path / "own.csv").write_text(text)
    return read_palette("own", tmp_path / "own.csv").bgr[:, 0, ::-1]


def test_three_columns_are_spread_evenly_and_mixed_between(tmp_path: Path) -> None:
    colours = read(tmp_path, "red,green,blue\n0,0,0\n255,0,102\n255,255,255\n")
    assert colours[[0, 255]].tolist() == [[0, 0, 0], [255, 255, 255]]
    share = np.arange(256) / 255
    assert np.array_equal(colours[:, 1], np.rint(np.clip(2 * share - 1, 0, 1) * 255))
    assert np.array_equal(colours[:, 0], np.rint(np.clip(2 * share, 0, 1) * 255))


def test_four_columns_say_at_which_level_a_colour_is(tmp_path: Path) -> None:
    colours = read(tmp_path, "0,10,20,30\n200,10,20,230\n\n255,250,20,230\n")
    assert colours[100].tolist() == [10, 20, 130]
    assert colours[200].tolist() == [10, 20, 230]


def test_as_many_rows_as_levels_are_taken_as_they_are(tmp_path: Path) -> None:
    table = np.random.default_rng(1).integers(0, 256, (256, 3))
    assert np.array_equal(read(tmp_path, "\n".join(",".join(map(str, row)) for row in table.tolist())), table)


@pytest.mark.parametrize(
    ("text", "trouble"),
    [
        ("", "0 rows"),
        ("1,2,3", "has 1 row;"),
        ("1,2\n3,4", "red, green and blue, .* in row 1"),
        ("1,2,3\n3,4", "red, green and blue, .* in row 2"),
        ("1,2,3\n3,four,5", "red, green and blue, .* in row 2"),
        ("1,2,3\n3,256,5", "beyond 0 to 255 in row 2"),
        ("1,2,3\n3,nan,5", "red, green and blue, .* in row 2"),
        ("0,1,2,3\n9,1,2,3\n9,1,2,3\n255,0,0,0", "levels that do not rise"),
        ("5,1,2,3\n255,1,2,3", "levels that do not rise"),
        ("\0" * 40, "rows"),
    ],
)
def test_what_is_no_palette_is_refused_with_its_row(tmp_path: Path, text: str, trouble: str) -> None:
    with pytest.raises(CoconetError, match=trouble):
        read(tmp_path, text)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CoconetError, match="own.csv"):
        read_palette("own", tmp_path / "own.csv")
