"""Verification of two models on frames at hand, and the verdict on it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from skimage.metrics import structural_similarity as skimage_ssim

from coconet.errors import CoconetError
from coconet.media.pixels import Pixels, luma
from coconet.metrics import fusion as metrics
from coconet.runtime.verify.parity import ModelPictures
from coconet.runtime.verify.verification import (
    LEAST_REFERENCE,
    MetricDelta,
    Verification,
    judge,
    limits_for,
    metric_deltas,
    verification_of,
)
from tests.support.media.frames import pair_of
from tests.support.media.textured import mean_of, textured

VISIBLE, INFRARED = textured(0), textured(1)
MEAN = mean_of(VISIBLE, INFRARED)
MAXIMUM = np.maximum(VISIBLE, INFRARED)


def answers(reference: Pixels, candidate: Pixels, name: str = "a.png") -> ModelPictures:
    return ModelPictures(pair_of(VISIBLE, INFRARED, name=name), reference[:, :, None], candidate[:, :, None])


def verified(*frames: ModelPictures) -> Verification:
    return verification_of(frames)


def test_the_similarity_is_that_of_an_independent_implementation() -> None:
    expected = skimage_ssim(
        MEAN, MAXIMUM, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    assert verified(answers(MEAN, MAXIMUM)).ssim == pytest.approx(expected, abs=0.01)  # its border differs


def test_deltas_are_candidate_minus_reference_as_means_over_frames() -> None:
    found = verified(answers(MEAN, MAXIMUM), answers(MEAN, MEAN))
    deviation = {delta.metric: delta for delta in found.deltas}["SD"]
    expected = (metrics.standard_deviation(MAXIMUM) - metrics.standard_deviation(MEAN)) / 2
    assert deviation.delta == pytest.approx(expected)
    assert deviation.relative == pytest.approx(expected / metrics.standard_deviation(MEAN))


def test_a_change_from_nothing_is_relative_to_the_least_reference() -> None:
    assert MetricDelta("SCD", 0.0, 0.05).relative == pytest.approx(0.05 / LEAST_REFERENCE)
    assert MetricDelta("SCD", -2.0, -1.0).relative == 0.5


def test_means_are_taken_a_metric_at_a_time() -> None:
    rows = [(1.0, 2.0, 3.0, 4.0, 5.0, 6.0), (3.0, 2.0, 1.0, 0.0, 5.0, 6.0)]
    assert [delta.reference for delta in metric_deltas(rows, rows)] == [2, 2, 2, 2, 5, 6]


def test_the_luma_of_bgr_has_the_weights_of_bt_601() -> None:
    primaries = np.eye(3, dtype=np.uint8)[None] * np.uint8(100)
    np.testing.assert_allclose(luma(primaries), [[11.4, 58.7, 29.9]], rtol=1e-5)


def test_the_worst_frame_is_kept_with_its_pictures() -> None:
    found = verified(answers(MEAN, MEAN, "a"), answers(MEAN, MAXIMUM, "b"), answers(MEAN, MEAN, "c"))
    assert found.worst.name == found.parity.worst_frame == "b"
    np.testing.assert_array_equal(found.worst.candidate[:, :, 0], MAXIMUM)


def test_equal_pictures_pass_at_every_precision() -> None:
    assert judge(verified(answers(MEAN, MEAN)), limits_for("fp32")).passed


def test_far_pictures_are_refused_for_their_error_and_for_their_metrics() -> None:
    verdict = judge(verified(answers(MEAN, MAXIMUM)), limits_for("int8"))
    assert not verdict.passed
    assert "wanted 35 dB or more on every frame" in verdict.reasons[0]
    beyond = sum(abs(delta.relative) > 0.02 for delta in verified(answers(MEAN, MAXIMUM)).deltas)
    assert f"on average, and {beyond - 1} other metrics as well, wanted 2.0% or less" in verdict.reasons[1]


def test_a_floor_for_the_psnr_leaves_other_limits_out_but_not_suspicion() -> None:
    limits = limits_for("fp32", min_psnr_db=1.0)
    assert limits.metric_change == math.inf
    assert judge(verified(answers(MEAN, MAXIMUM)), limits).passed
    (reason,) = judge(verified(answers(MEAN, np.zeros_like(MEAN))), limits).reasons
    assert reason == "1 suspicious frame, a.png with every sample at 0"


def test_no_frames_prove_nothing() -> None:
    with pytest.raises(CoconetError, match="has no pair of frames to compare"):
        verified()
