"""Parity of two models, against an independent PSNR and against closed forms."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.metrics import peak_signal_noise_ratio

from coconet.cards.model_card import ModelCard
from coconet.cards.precision import PRECISIONS, ParityLimits, PrecisionName
from coconet.errors import CoconetError
from coconet.media.pixels import Pixels
from coconet.runtime.backends.rules.baseline import BaselineBackend
from coconet.runtime.frame import FramePair
from coconet.runtime.verify.parity import compare, require
from tests.support.media.frames import pair_of


class Brighter:
    """Answers the visible picture, this many levels brighter where that fits."""

    def __init__(self, levels: int) -> None:
        self.levels = levels
        self.card, self.name = ModelCard("brighter", "fp32", ""), "test"

    def fuse(self, visible: Pixels, infrared: Pixels) -> Pixels:
        brighter: Pixels = np.clip(visible.astype(int) + self.levels, 0, 255).astype(np.uint8)
        return brighter

    def close(self) -> None:
        pass


def pairs(*pictures: np.ndarray) -> Iterator[FramePair]:
    for index, pixels in enumerate(pictures):
        yield pair_of(pixels, np.zeros(pixels.shape[:2], np.uint8), index, f"{index}.png")


def picture(level: int) -> np.ndarray:
    return np.full((4, 5, 3), level, np.uint8)


def test_equal_models_are_infinitely_close() -> None:
    parity = compare(Brighter(7), Brighter(7), pairs(picture(0), picture(9)))
    assert (parity.frames, parity.max_abs_error, parity.mean_abs_error, parity.within_one_level) == (2, 0, 0.0, 1.0)
    assert parity.psnr_db == parity.worst_psnr_db == math.inf


@pytest.mark.parametrize("levels", [1, 2, 10])
def test_a_constant_difference_has_the_psnr_of_its_formula(levels: int) -> None:
    parity = compare(Brighter(0), Brighter(levels), pairs(picture(0)))
    assert parity.psnr_db == pytest.approx(20 * math.log10(255 / levels))
    assert (parity.max_abs_error, parity.mean_abs_error) == (levels, levels)
    assert parity.within_one_level == (levels <= 1)


@given(arrays(np.uint8, (2, 6, 5, 3)), st.integers(1, 255))
def test_psnr_over_all_frames_is_that_of_the_frames_laid_side_by_side(stack: np.ndarray, levels: int) -> None:
    first, second = Brighter(0), Brighter(levels)
    wide = np.concatenate(list(stack), axis=1)
    wanted, got = (model.fuse(wide, wide[:, :, :1]) for model in (first, second))
    parity = compare(first, second, pairs(*stack))
    if not np.array_equal(wanted, got):
        assert parity.psnr_db == pytest.approx(peak_signal_noise_ratio(wanted, got, data_range=255))


def test_the_worst_frame_is_the_one_that_was_not_clipped() -> None:
    parity = compare(Brighter(0), Brighter(20), pairs(picture(250), picture(100), picture(254)))
    assert parity.worst_frame == "1.png"
    assert parity.worst_psnr_db == pytest.approx(20 * math.log10(255 / 20))


def test_a_candidate_beyond_the_limits_is_refused_with_its_figures() -> None:
    parity = compare(Brighter(0), Brighter(10), pairs(picture(0)))
    with pytest.raises(
        CoconetError, match=r"m\.onnx is too far from its reference: PSNR 28\.1 dB .*expected 30 dB or more .* 0\.png"
    ):
        require(parity, ParityLimits(worst_psnr_db=30.0, max_abs_error=255), "m.onnx")


def test_one_sample_far_off_is_refused_although_the_psnr_is_high() -> None:
    parity = compare(Brighter(0), Brighter(3), pairs(picture(0)))
    with pytest.raises(CoconetError, match="at most 3 levels.*expected .*errors of at most 2 levels"):
        require(parity, ParityLimits(worst_psnr_db=10.0, max_abs_error=2), "m.onnx")


@pytest.mark.parametrize("precision", PRECISIONS)
def test_rounding_apart_by_one_level_is_refused_at_fp32_only_if_it_is_everywhere(precision: PrecisionName) -> None:
    parity = compare(Brighter(0), Brighter(1), pairs(picture(0)))  # 48.1 dB: every sample is one level off
    if precision == "fp32":
        with pytest.raises(CoconetError, match="expected 55 dB or more"):
            require(parity, PRECISIONS["fp32"].limits, "m")
    else:
        require(parity, PRECISIONS[precision].limits, "m")


def test_no_frames_prove_nothing() -> None:
    with pytest.raises(CoconetError, match="has no pair of frames to compare"):
        compare(Brighter(0), Brighter(0), pairs())


def test_answers_of_unequal_shape_are_refused() -> None:
    class Cropping(Brighter):
        def fuse(self, visible: Pixels, infrared: Pixels) -> Pixels:
            return visible[1:]

    with pytest.raises(CoconetError, match=r"parity, 0\.png has pictures of shape .*\(4, 5, 3\)"):
        compare(BaselineBackend(), Cropping(0), pairs(picture(0)))
