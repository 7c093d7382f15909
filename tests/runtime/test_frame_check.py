"""Frames against a card: what is refused in which words, and gray cameras with colour models."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from coconet.errors import CoconetError
from coconet.media.pixels import Pixels
from coconet.runtime.frame_check import fuse_adapted
from tests.support.models.tiny_onnx import averaging_card


def keep_visible(visible: Pixels, infrared: Pixels) -> Pixels:
    assert visible.shape[2] == 3
    return visible


def test_a_gray_frame_reaches_a_colour_model_as_three_channels_and_comes_back_as_one() -> None:
    gray = np.arange(12, dtype=np.uint8).reshape(3, 4, 1)
    assert np.array_equal(fuse_adapted(averaging_card(), "m", keep_visible, gray, gray), gray)


def test_a_colour_frame_passes_as_it_is() -> None:
    colour = np.arange(36, dtype=np.uint8).reshape(3, 4, 3)
    assert fuse_adapted(averaging_card(), "m", keep_visible, colour, colour[:, :, :1]) is colour


def test_a_colour_frame_for_a_gray_model_is_refused() -> None:
    frame = np.zeros((3, 4, 3), np.uint8)
    with pytest.raises(CoconetError, match=r"m, visible frame has .*\(3, 4, 3\); expected .*\(height, width, 1\)"):
        fuse_adapted(averaging_card(channels=1), "m", keep_visible, frame, frame[:, :, :1])


def test_raw_thermal_counts_are_refused_with_the_remedy() -> None:
    with pytest.raises(CoconetError, match=r"infrared frame has uint16 .*8 bit first"):
        fuse_adapted(averaging_card(), "m", keep_visible, np.zeros((3, 4, 3), np.uint8), np.zeros((3, 4, 1), np.uint16))


def test_a_model_for_one_size_names_both_sizes() -> None:
    card = dataclasses.replace(averaging_card(), height_px=480, width_px=640)
    with pytest.raises(CoconetError, match=r"frame size is 3x4 .*, but the model was exported for 480x640"):
        fuse_adapted(card, "m", keep_visible, np.zeros((3, 4, 3), np.uint8), np.zeros((3, 4, 1), np.uint8))
