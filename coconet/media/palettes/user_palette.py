"""A palette of the user's own, from a table of colours."""

from __future__ import annotations

import csv
import math
from itertools import pairwise
from pathlib import Path

import numpy as np

from coconet.errors import CoconetError, Refused, counted
from coconet.files import read_file
from coconet.media.palettes.palette import Palette

_MOST_ROWS = 4096

_WANTED = "rows of red, green, blue of 0 to 255, cold first, or of level, red, green, blue with levels rising to 255"


def read_palette(name: str, path: Path) -> Palette:
    """Read a palette from a CSV file; a first row of words is a heading.

    Rows of three numbers, red, green and blue, are spread evenly from cold to hot; rows of four have the level, 0..255,
    in front, which begins at 0, rises, and ends at 255. Colours between rows are mixed evenly.
    Raises CoconetError that names the row for anything else.
    """
    try:
        text = read_file(path, "a palette").decode("utf-8-sig")
        rows = [row for row in csv.reader(text.splitlines()) if any(cell.strip() for cell in row)]
    except (UnicodeDecodeError, csv.Error):
        raise _unfit(path, "is not a CSV file of text") from None
    if rows and not any(map(_is_number, rows[0])):
        rows = rows[1:]
    if not 2 <= len(rows) <= _MOST_ROWS:
        raise _unfit(path, f"has {counted(len(rows), 'row')}; a palette has 2 to {_MOST_ROWS}")
    columns = len(rows[0])
    for at, row in enumerate(rows, 1):
        if len(row) != columns or columns not in (3, 4) or not all(map(_is_number, row)):
            raise _unfit(path, f"does not have red, green and blue, with or without a level in front, in row {at}")
        if not all(0 <= float(cell) <= 255 for cell in row):
            raise _unfit(path, f"has a number beyond 0 to 255 in row {at}")
    table = np.array([[float(cell) for cell in row] for row in rows])
    levels = table[:, 0] if columns == 4 else np.linspace(0, 255, len(table))
    if levels[0] != 0 or levels[-1] != 255 or not all(before < after for before, after in pairwise(levels)):
        raise _unfit(path, "has levels that do not rise from 0 to 255")
    mixed = [np.interp(np.arange(256), levels, table[:, channel]) for channel in (-1, -2, -3)]
    return Palette.of(name, np.rint(np.stack(mixed, axis=1)).astype(np.float32))


def _is_number(cell: str) -> bool:
    try:
        return math.isfinite(float(cell))
    except ValueError:
        return False


def _unfit(path: Path, says: str) -> CoconetError:
    return Refused(
        path,
        wanted=_WANTED,
        got=f"a file that {says}",
        remedy="Correct the file, or name a palette of the program.",
        says=f"{says}; expected {_WANTED}",
    )
