from __future__ import annotations

import numpy as np

from coconet.media.panel import CAPTION_PX, CELL_PX, GAP_PX, PAPER, Caption, contact_sheet


def flat(height: int, width: int, level: int) -> np.ndarray:
    return np.full((height, width), level, np.uint8)


def test_pictures_stand_side_by_side_in_rows_under_their_captions() -> None:
    rows = [[Caption("infrared", flat(50, 80, 10)), Caption("visible", flat(50, 80, 200))]] * 2
    sheet = contact_sheet(rows)
    assert sheet.shape == (2 * (CAPTION_PX + 50 + GAP_PX), 2 * (CELL_PX + GAP_PX), 1)
    for top in (CAPTION_PX, 2 * CAPTION_PX + 50 + GAP_PX):
        assert (sheet[top : top + 50, :80] == 10).all()
        assert (sheet[top : top + 50, CELL_PX + GAP_PX :][:, :80] == 200).all()
        assert (sheet[top - CAPTION_PX : top, :80] != PAPER).any()


def test_a_large_picture_is_made_smaller_in_proportion() -> None:
    sheet = contact_sheet([[Caption("", flat(480, 2 * CELL_PX, 99))]])
    assert (sheet == 99).sum() == 240 * CELL_PX


def test_letters_outside_ascii_do_no_harm() -> None:
    assert contact_sheet([[Caption("Straße 夜", flat(5, 5, 0))]]).shape[0] == CAPTION_PX + 5 + GAP_PX
