"""The baselines, against their formulas."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from coconet.errors import CoconetError
from coconet.media.image import read_picture
from coconet.model_names import RULES, Rule
from coconet.runtime.backends.choice import choose_backend
from coconet.runtime.backends.rules.baseline import BaselineBackend
from coconet.runtime.backends.rules.pyramid import fuse_pyramids
from coconet.runtime.loop.run import run_rig
from coconet.runtime.rig.live_settings import AdjustableRig
from coconet.runtime.rig.rig_file import Rig
from coconet.runtime.sinks.open_sink import Output
from tests.support.media.textured import textured

LEVELS = st.integers(0, 255)


@given(arrays(np.uint8, (3, 4, 1)), arrays(np.uint8, (3, 4, 1)))
def test_the_average_of_two_gray_pictures_is_their_mean(visible: np.ndarray, infrared: np.ndarray) -> None:
    fused = BaselineBackend("average").fuse(visible, infrared)
    mean = (visible.astype(float) + infrared) / 2
    assert np.abs(fused - mean).max() <= 0.5 + 1e-3


@given(arrays(np.uint8, (3, 4, 1)), arrays(np.uint8, (3, 4, 1)))
def test_the_maximum_of_two_gray_pictures_is_the_brighter_one(visible: np.ndarray, infrared: np.ndarray) -> None:
    assert np.array_equal(BaselineBackend("maximum").fuse(visible, infrared), np.maximum(visible, infrared))


@given(blue=LEVELS, green=LEVELS, red=LEVELS, infrared=LEVELS)
def test_colour_is_kept_where_nothing_is_clipped(blue: int, green: int, red: int, infrared: int) -> None:
    visible = np.array([[[blue, green, red]]], np.uint8)
    fused = BaselineBackend("average").fuse(visible, np.full((1, 1, 1), infrared, np.uint8)).astype(int)[0, 0]
    if fused.min() > 0 and fused.max() < 255:
        assert np.abs(np.diff(fused) - [green - blue, red - green]).max() <= 1


def test_the_average_of_a_colour_picture_has_the_mean_luma() -> None:
    visible = np.array([[[60, 120, 90]]], np.uint8)
    fused = BaselineBackend("average").fuse(visible, np.full((1, 1, 1), 200, np.uint8))
    wanted = (0.114 * 60 + 0.587 * 120 + 0.299 * 90 + 200) / 2
    assert float(fused[0, 0] @ [0.114, 0.587, 0.299]) == pytest.approx(wanted, abs=0.5)


def test_bright_colours_are_clipped_and_do_not_wrap() -> None:
    visible = np.array([[[255, 10, 10]]], np.uint8)
    assert BaselineBackend("maximum").fuse(visible, np.full((1, 1, 1), 255, np.uint8)).max() == 255


def test_two_sizes_are_refused_by_name() -> None:
    with (
        BaselineBackend() as backend,
        pytest.raises(CoconetError, match=r"infrared frame is 3x5 .*, but the visible one is 3x4"),
    ):
        backend.fuse(np.zeros((3, 4, 1), np.uint8), np.zeros((3, 5, 1), np.uint8))


def test_the_pyramid_of_two_gray_pictures_is_that_of_their_levels() -> None:
    visible, infrared = textured(0), textured(1)
    fused = BaselineBackend("pyramid").fuse(visible[:, :, None], infrared[:, :, None])
    assert np.array_equal(fused[:, :, 0], fuse_pyramids(infrared, visible))


def test_the_pyramid_keeps_the_chroma_of_a_colour_picture() -> None:
    visible = np.stack([textured(0) // 4 + 80, textured(0) // 4 + 100, textured(0) // 4 + 90], axis=2)
    fused = BaselineBackend("pyramid").fuse(visible, textured(1)[:, :, None] // 4 + 90).astype(int)
    assert 0 < fused.min() <= fused.max() < 255
    assert np.abs((fused[:, :, 1] - fused[:, :, 0]) - 20).max() <= 1
    assert np.abs((fused[:, :, 2] - fused[:, :, 0]) - 10).max() <= 1


def test_pictures_too_small_for_a_pyramid_are_refused() -> None:
    small = np.zeros((15, 40, 1), np.uint8)
    with pytest.raises(
        CoconetError, match=r"Laplacian pyramid cannot have 4 details .* sides of 2\^details pixels or more"
    ):
        BaselineBackend("pyramid").fuse(small, small)


@pytest.mark.data
@pytest.mark.parametrize("rule", RULES)
def test_real_pairs_keep_their_names_and_odd_sizes(tmp_path: Path, data: Path, rule: Rule) -> None:
    source = data / "roadscene"
    rig = Rig.from_addresses(str(source / "vis"), str(source / "ir"))
    report = run_rig(AdjustableRig(rig), choose_backend(rule), Output(f"{tmp_path}/"))
    wanted, got = (
        {path.name: read_picture(path).shape for path in side.iterdir()} for side in (source / "vis", tmp_path)
    )
    assert report.fused == len(got) == 15
    assert got == wanted
