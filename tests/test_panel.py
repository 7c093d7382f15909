"""The panel of three pictures."""

from __future__ import annotations

import numpy as np
import pytest

from runtime.frame import Frame, FramePair, FusedFrame
from runtime.panel import BAND_PX, GAP_PX, side_by_side


@pytest.mark.parametrize("channels", [1, 3])
def test_the_three_pictures_stand_side_by_side_unchanged(channels: int) -> None:
    rows, columns = 20, 90
    visible = np.random.default_rng(0).integers(0, 256, (rows, columns, channels), np.uint8)
    infrared = np.random.default_rng(1).integers(0, 256, (rows, columns, 1), np.uint8)
    panel = side_by_side(FusedFrame(255 - visible, FramePair(Frame(visible, 0, 0), Frame(infrared, 0, 0)), 1.0))
    assert panel.shape == (rows + BAND_PX, 3 * columns + 2 * GAP_PX, 3)
    for place, wanted in enumerate((infrared, visible, 255 - visible)):
        left = place * (columns + GAP_PX)
        assert np.array_equal(panel[BAND_PX:, left : left + columns], np.broadcast_to(wanted, (rows, columns, 3)))


def test_every_picture_has_a_caption_of_its_own() -> None:
    gray = Frame(np.zeros((4, 90, 1), np.uint8), 0, 0)
    band = side_by_side(FusedFrame(gray.pixels, FramePair(gray, gray), 1.0))[:BAND_PX]
    captions = [band[:, left : left + 90] for left in (0, 94, 188)]
    assert all(caption.max() > 200 for caption in captions)
    assert not np.array_equal(captions[0], captions[1])
    assert not np.array_equal(captions[1], captions[2])
