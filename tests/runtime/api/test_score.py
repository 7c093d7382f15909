"""Scores from arrays: those of the metrics, with colour brought to gray as the command does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import coconet
from coconet.errors import CoconetError
from coconet.media.image import read_gray, write_picture
from coconet.media.pixels import Pixels
from coconet.metrics import fusion

RNG = np.random.default_rng(3)
FUSED, VISIBLE = (RNG.integers(0, 256, (48, 64, 3), np.uint8) for _ in range(2))
INFRARED = RNG.integers(0, 256, (48, 64), np.uint8)


def test_colour_is_scored_as_the_command_scores_its_files(tmp_path: Path) -> None:
    for name, pixels in (("fused", FUSED), ("visible", VISIBLE)):
        write_picture(tmp_path / f"{name}.png", pixels)
    fused, visible = (read_gray(tmp_path / f"{name}.png") for name in ("fused", "visible"))
    assert coconet.score(FUSED, VISIBLE, INFRARED) == fusion.score(fused, INFRARED, visible)


def test_gray_is_scored_as_it_is_in_both_shapes() -> None:
    plane = FUSED[:, :, 1]
    expected = fusion.score(plane, INFRARED, plane)
    assert coconet.score(plane, plane, INFRARED) == expected
    assert coconet.score(plane[:, :, None], plane[:, :, None], INFRARED[:, :, None]) == expected


@pytest.mark.parametrize(
    ("fused", "said"),
    [
        (FUSED / 255, "^fused picture has samples of type float64"),
        (np.full((48, 64), np.nan, np.float32), "^fused picture has .* float32"),
        (FUSED[:40], "^fused picture is 40x64 .* is 48x64"),
        (FUSED[:, :, :2], r"^fused picture has shape \(48, 64, 2\)"),
        (FUSED[:0], "^fused picture has no pixels"),
    ],
)
def test_what_cannot_be_scored_is_named(fused: Pixels, said: str) -> None:
    with pytest.raises(CoconetError, match=said):
        coconet.score(fused, VISIBLE, INFRARED)


def test_pictures_too_small_for_the_metrics_say_how_large_they_must_be() -> None:
    with pytest.raises(CoconetError, match="at least 41 pixels a side"):
        coconet.score(FUSED[:40], VISIBLE[:40], INFRARED[:40])
