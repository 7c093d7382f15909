"""Panels of pictures side by side, and sheets of them."""

from __future__ import annotations

import numpy as np
import pytest

from coconet.media.panel import BAND_PX, GAP_PX, PAPER, Captioned, captioned_row, contact_sheet, sheet_of_row
from coconet.media.pixels import Pixels
from coconet.runtime.commands.demo import side_by_side
from coconet.runtime.frame import FusedFrame
from tests.support.media.frames import pair_of


@pytest.mark.parametrize("channels", [1, 3])
def test_the_three_pictures_stand_side_by_side_unchanged(channels: int) -> None:
    rows, columns = 20, 90
    visible = np.random.default_rng(0).integers(0, 256, (rows, columns, channels), np.uint8)
    infrared = np.random.default_rng(1).integers(0, 256, (rows, columns, 1), np.uint8)
    panel = side_by_side(FusedFrame(255 - visible, pair_of(visible, infrared), 1.0))
    assert panel.shape == (rows + BAND_PX, 3 * columns + 2 * GAP_PX, 3)
    for place, wanted in enumerate((infrared, visible, 255 - visible)):
        left = place * (columns + GAP_PX)
        assert np.array_equal(panel[BAND_PX:, left : left + columns], np.broadcast_to(wanted, (rows, columns, 3)))


def test_every_picture_has_a_caption_of_its_own() -> None:
    gray = np.zeros((4, 90, 1), np.uint8)
    band = side_by_side(FusedFrame(gray, pair_of(gray, gray), 1.0))[:BAND_PX]
    captions = [band[:, left : left + 90] for left in (0, 94, 188)]
    assert all(caption.max() > 200 for caption in captions)
    assert not np.array_equal(captions[0], captions[1])
    assert not np.array_equal(captions[1], captions[2])


def test_any_number_of_gray_and_colour_pictures_makes_a_row() -> None:
    pictures = [
        np.full((20, width, channels), 77, np.uint8) for width, channels in ((30, 1), (40, 3), (50, 1), (60, 3))
    ]
    row = captioned_row(pictures, "abcd")
    assert row.shape == (20 + BAND_PX, 30 + 40 + 50 + 60 + 3 * GAP_PX, 3)
    assert (row[BAND_PX:] == 77).mean() == pytest.approx(180 / (180 + 3 * GAP_PX))


def test_a_caption_too_long_for_its_picture_loses_its_end() -> None:
    pictures = [np.zeros((4, 90, 1), np.uint8)] * 2
    whole, cut = captioned_row(pictures, ["lite", "lite"]), captioned_row(pictures, ["lite", "lite" + " and more" * 9])
    assert np.array_equal(whole[:, :94], cut[:, :94])
    assert np.array_equal(whole[:, 94:120], cut[:, 94:120])
    assert (cut[:BAND_PX, -4:] == cut[0, -1]).all()


def test_a_picture_narrower_than_a_letter_has_an_empty_caption() -> None:
    band = captioned_row([np.zeros((4, 5, 1), np.uint8)], ["lite"])[:BAND_PX]
    assert np.ptp(band) == 0


def flat(height: int, width: int, level: int, channels: int = 1) -> Pixels:
    return np.full((height, width, channels), level, np.uint8)


def test_a_sheet_has_a_row_below_the_other_and_columns_of_one_width() -> None:
    rows = [
        [Captioned("infrared", flat(50, 80, 10)), Captioned("visible", flat(50, 80, 200, 3))],
        [Captioned("infrared", flat(20, 40, 10)), Captioned("visible", flat(20, 40, 200))],
    ]
    sheet = contact_sheet(rows, 80)
    assert sheet.shape == (50 + 20 + 2 * BAND_PX, 2 * 80 + GAP_PX, 3)
    np.testing.assert_array_equal(
        sheet[: 50 + BAND_PX], captioned_row([one.pixels for one in rows[0]], ["infrared", "visible"])
    )
    second = sheet[50 + 2 * BAND_PX :]
    for left, level in ((0, 10), (80 + GAP_PX, 200)):
        assert (second[:, left : left + 40] == level).all()
        assert (second[:, left + 40 : left + 80] == PAPER).all()


def test_a_picture_wider_than_its_column_is_made_smaller_in_proportion() -> None:
    sheet = contact_sheet([[Captioned("", flat(480, 640, 99))]], 320)
    assert (sheet == 99).all(axis=2).sum() == 240 * 320


def test_letters_outside_ascii_do_no_harm() -> None:
    assert contact_sheet([[Captioned("Straße 夜", flat(5, 5, 0))]], 40).shape[0] == BAND_PX + 5


@pytest.mark.parametrize(("width", "column"), [(90, 90), (640, 400)])
def test_a_row_of_small_pictures_has_no_empty_paper_beside_them(width: int, column: int) -> None:
    row = [Captioned("fused", np.full((20, width, 3), 200, np.uint8))] * 3
    sheet = sheet_of_row(row, 400)
    assert sheet.shape[1] == 3 * column + 2 * GAP_PX
    assert (sheet[BAND_PX:] == 200).mean() > 0.97
