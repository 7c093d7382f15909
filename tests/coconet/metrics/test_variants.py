"""Every variant differs from the plain one in the fields that its evaluator computes otherwise, by what it says."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.metrics import structural_similarity as skimage_ssim

from coconet.metrics.matlab_u8 import shared_bits_u8
from coconet.metrics.scores import Scores
from coconet.metrics.variants import VARIANTS
from tests.support.media.textured import mean_of, textured

A, B = textured(0), textured(1)
F = mean_of(A, B)
PLAIN = VARIANTS["plain"].score(F, A, B)


def nats_shared(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    joint = np.histogram2d(first.ravel(), second.ravel(), bins=256, range=[[0, 256], [0, 256]])[0] / first.size
    apart = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    there = joint > 0
    return float((joint[there] * np.log(joint[there] / apart[there])).sum())


def require_equal_but_for(found: Scores, **changed: float) -> None:
    expected = dataclasses.asdict(dataclasses.replace(PLAIN, **changed))
    assert dataclasses.asdict(found) == pytest.approx(expected, rel=1e-9)


def test_cddfuse_takes_means_over_all_pixels_nats_and_even_windows() -> None:
    down, across = np.gradient(F.astype(float))
    require_equal_but_for(
        VARIANTS["cddfuse"].score(F, A, B),
        AG=float(np.sqrt((down**2 + across**2) / 2).mean()),
        MI=nats_shared(A, F) + nats_shared(B, F),
        SSIM=sum(skimage_ssim(source, F, data_range=255) for source in (A, B)),
    )


def test_the_toolbox_takes_the_mean_of_both_similarities_with_next_to_no_constants() -> None:
    gaussian = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 1}
    require_equal_but_for(
        VARIANTS["toolbox"].score(F, A, B),
        MI=shared_bits_u8(A, F) + shared_bits_u8(B, F),
        SSIM=sum(skimage_ssim(source.astype(float), F.astype(float), **gaussian) for source in (A, B)) / 2,
    )


def test_every_variant_says_its_name_first() -> None:
    assert [variant.note.partition(":")[0] for variant in VARIANTS.values()] == list(VARIANTS)
