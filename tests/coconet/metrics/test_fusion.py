"""The fusion metrics against scikit-image, NumPy, plain loops, closed forms and the field's own figures."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from skimage.measure import shannon_entropy
from skimage.metrics import peak_signal_noise_ratio

from coconet.errors import CoconetError
from coconet.media.image import read_gray
from coconet.media.pairs import paired_folder
from coconet.metrics import fusion as metrics
from coconet.metrics.fusion import METRICS, VERIFIED, Scores, score
from tests.support.media.textured import mean_of, textured

A, B = textured(0), textured(1)
F = mean_of(A, B)
PICTURE = arrays(np.uint8, (6, 7), elements=st.sampled_from([0, 1, 2, 100, 254, 255]))
RAMP = np.add.outer(3 * np.arange(20), 4 * np.arange(30)).astype(np.uint8)
"""Every step down adds 3, every step right 4; no level above 173."""
CHECKERBOARD = (np.indices((8, 9)).sum(axis=0) % 2 * 200).astype(np.uint8)


@given(PICTURE)
def test_entropy_is_that_of_scikit_image(picture: NDArray[np.uint8]) -> None:
    assert metrics.entropy(picture) == pytest.approx(shannon_entropy(picture, base=2), abs=1e-12)


@pytest.mark.parametrize("levels", [1, 2, 16, 256])
def test_equally_frequent_levels_have_the_entropy_of_their_number(levels: int) -> None:
    assert metrics.entropy((np.arange(256).reshape(16, 16) % levels).astype(np.uint8)) == math.log2(levels)


def test_average_gradient_of_a_ramp_is_its_slope() -> None:
    assert metrics.average_gradient(RAMP) == pytest.approx(math.sqrt((9 + 16) / 2) * (20 * 30) / (19 * 29))


def test_average_gradient_is_its_sum_over_pixels() -> None:
    picture, total = A.astype(float), 0.0
    height, width = picture.shape
    for y, x in np.ndindex(height, width):
        up, down, left, right = max(y - 1, 0), min(y + 1, height - 1), max(x - 1, 0), min(x + 1, width - 1)
        gy = (picture[down, x] - picture[up, x]) / (down - up)
        gx = (picture[y, right] - picture[y, left]) / (right - left)
        total += math.sqrt((gx**2 + gy**2) / 2)
    assert metrics.average_gradient(A) == pytest.approx(total / ((height - 1) * (width - 1)), rel=1e-12)


def test_spatial_frequency_of_a_ramp_and_a_checkerboard_is_that_of_their_steps() -> None:
    assert metrics.spatial_frequency(RAMP) == pytest.approx(5)
    assert metrics.spatial_frequency(CHECKERBOARD) == pytest.approx(200 * math.sqrt(2))


def test_spatial_frequency_averages_over_the_differences_that_exist() -> None:
    assert metrics.spatial_frequency(np.array([[0, 0], [0, 0], [0, 6]])) == pytest.approx(math.sqrt(36 / 3 + 36 / 4))


def test_standard_deviation_divides_by_the_number_of_pixels() -> None:
    assert metrics.standard_deviation(np.array([[0, 10], [10, 0]])) == 5
    assert metrics.standard_deviation(A) == pytest.approx(np.sqrt(((A - A.mean()) ** 2).sum() / A.size))


def test_scd_is_the_sum_of_numpys_correlations() -> None:
    f, a, b = (picture.ravel().astype(float) for picture in (F, A, B))
    expected = np.corrcoef(f - b, a)[0, 1] + np.corrcoef(f - a, b)[0, 1]
    assert metrics.scd(F, A, B) == pytest.approx(expected, rel=1e-12)


def test_scd_of_the_sum_of_the_sources_is_two() -> None:
    assert metrics.scd(A // 4 + B // 4, A // 4, B // 4) == pytest.approx(2)


@given(PICTURE, PICTURE, PICTURE)
def test_mutual_information_is_the_sum_over_pairs_of_levels(
    f: NDArray[np.uint8], a: NDArray[np.uint8], b: NDArray[np.uint8]
) -> None:
    expected = _shared_bits(a, f) + _shared_bits(b, f)
    assert metrics.mutual_information(f, a, b) == pytest.approx(expected, abs=1e-9)


def _shared_bits(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    ones, others = first.ravel().tolist(), second.ravel().tolist()
    pairs, singles, partners, total = Counter(zip(ones, others, strict=True)), Counter(ones), Counter(others), len(ones)
    return sum(
        times / total * math.log2(times * total / (singles[one] * partners[other]))
        for (one, other), times in pairs.items()
    )


def test_a_picture_shares_its_entropy_with_itself() -> None:
    assert metrics.mutual_information(A, A, A) == pytest.approx(2 * metrics.entropy(A))


@given(PICTURE, PICTURE)
def test_psnr_is_that_of_scikit_image(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> None:
    if (first == second).all():
        assert metrics.psnr(first, second) == math.inf
    else:
        assert metrics.psnr(first, second) == pytest.approx(peak_signal_noise_ratio(first, second, data_range=255))


def test_vif_and_ssim_add_both_sources() -> None:
    assert metrics.vif(F, A, B) == metrics.vifp(A, F) + metrics.vifp(B, F)
    assert metrics.ssim(F, A, B) == metrics.structural_similarity(A, F) + metrics.structural_similarity(B, F)


def test_a_score_holds_every_metric_under_its_short_name() -> None:
    expected = Scores(
        EN=metrics.entropy(F),
        AG=metrics.average_gradient(F),
        SF=metrics.spatial_frequency(F),
        SD=metrics.standard_deviation(F),
        SCD=metrics.scd(F, A, B),
        VIF=metrics.vif(F, A, B),
        MI=metrics.mutual_information(F, A, B),
        Qabf=metrics.qabf(F, A, B),
        SSIM=metrics.ssim(F, A, B),
    )
    assert score(F, A, B) == expected


def test_a_score_does_not_change_when_the_sources_change_places() -> None:
    assert dataclasses.astuple(score(F, A, B)) == pytest.approx(dataclasses.astuple(score(F, B, A)), rel=1e-12)


@pytest.mark.parametrize("level", [0, 1, 128, 255])
def test_three_equal_constant_pictures_have_the_stated_values(level: int) -> None:
    constant = np.full((41, 41), level, np.uint8)
    best_edge = 1.0 if level == 0 else metrics.qabf(A, A, A)
    values = score(constant, constant, constant)
    assert values == Scores(
        EN=0.0, AG=0.0, SF=0.0, SD=0.0, SCD=0.0, VIF=2.0, MI=0.0, Qabf=values.Qabf, SSIM=values.SSIM
    )
    assert pytest.approx(2.0) == values.SSIM
    assert values.Qabf == pytest.approx(best_edge, rel=1e-3)


@given(st.permutations([A, B, np.zeros_like(A), np.full_like(A, 200)]))
def test_constant_pictures_among_others_give_numbers(pictures: list[NDArray[np.uint8]]) -> None:
    assert all(math.isfinite(value) for value in dataclasses.astuple(score(*pictures[:3])))


def test_floats_are_scored_as_the_picture_saved_from_them() -> None:
    assert score(F + 0.4, A, B) == score(F, A, B)


def test_pictures_of_unequal_size_are_refused() -> None:
    with pytest.raises(CoconetError, match="need pictures of equal size"):
        score(F, A[1:], B)


# Means over the 37 pairs on which the field's tables are made; 24 of them and one more are here.
ANCHORS = {
    "average": (6.464, 2.677, 7.061, 26.62, 1.519, 0.561, 2.338, 0.343, 1.516),
    "maximum": (6.764, 3.759, 10.34, 39.40, 1.451, 0.916, 6.740, 0.584, 1.391),
}


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.parametrize("rule", ANCHORS)
def test_plain_rules_score_on_real_pairs_as_in_the_fields_tables(data: Path, rule: str) -> None:
    values = []
    for pair in paired_folder(data / "tno"):
        visible, infrared = read_gray(pair.visible), read_gray(pair.infrared)
        fused = np.maximum(visible, infrared) if rule == "maximum" else (visible.astype(float) + infrared) / 2
        values.append(dataclasses.astuple(score(fused, infrared, visible)))
    assert np.mean(values, axis=0) == pytest.approx(ANCHORS[rule], rel=0.1)


def test_every_metric_has_its_field_in_the_order_of_tables() -> None:
    assert [metric.name for metric in METRICS] == [field.name for field in dataclasses.fields(Scores)]
    scores = score(F, A, B)
    assert {metric.name: metric.of(F, A, B) for metric in METRICS} == dataclasses.asdict(scores)


def test_lists_of_metrics_are_those_of_their_records() -> None:
    assert {metric.name for metric in METRICS if metric.compares} == {"SCD", "VIF", "MI", "Qabf", "SSIM"}
    assert [metric.name for metric in METRICS if not metric.ranked] == ["MI"]
    assert [metric.name for metric in VERIFIED] == ["EN", "AG", "SF", "SD", "SCD", "VIF"]


def test_the_better_picture_has_more_merit_whichever_way_a_metric_goes() -> None:
    noise = dataclasses.replace(METRICS[0], higher_is_better=False)
    assert (METRICS[0].merit(2.0), noise.merit(2.0)) == (2.0, -2.0)
