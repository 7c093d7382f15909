"""Alignments by edges: which the pictures bear out, and which may be chance."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest

from coconet.errors import CoconetError
from coconet.runtime.cameras.synthetic.camera import synthetic_pairs
from coconet.runtime.frame import FramePair
from coconet.runtime.registration.edges import EdgeFit, best_fit, register_edges
from coconet.runtime.registration.pair_sampling import PairSampling
from coconet.runtime.registration.patch_matching import PatchSupport
from coconet.runtime.rig.open_rig import open_rig
from coconet.runtime.rig.rig_file import Rig
from tests.support.rigs.homography import distance_px

PAIRS = synthetic_pairs(3, 240, 320)


def clouds(seed: int, *sigmas_px: float) -> np.ndarray:
    """(240, 320, 1) noise of several sizes, each of deviation 1."""
    rng = np.random.default_rng(seed)
    layers = [cv2.GaussianBlur(rng.normal(0, 1, (240, 320)), (0, 0), sigma_px) for sigma_px in sigmas_px]
    return np.asarray(sum(layer / layer.std() for layer in layers))[:, :, None]


def behind_smoke(pair: FramePair, seed: int, density: float) -> FramePair:
    """The visible side behind smoke that looks other in every picture and lets so little of the scene through."""
    pixels = pair.visible.pixels * (1 - density) + 170 * density + 8 * clouds(seed, 6, 2)
    visible = dataclasses.replace(pair.visible, pixels=pixels.clip(0, 255).astype(np.uint8))
    return dataclasses.replace(pair, visible=visible)


def beside_another_scene(seed: int, sigma_px: float) -> FramePair:
    pixels = (128 + 40 * clouds(seed, sigma_px)).clip(0, 255).astype(np.uint8)
    return dataclasses.replace(PAIRS[0], infrared=dataclasses.replace(PAIRS[0].infrared, pixels=pixels))


def test_a_scene_behind_smoke_is_aligned_although_few_of_its_edges_agree() -> None:
    found = register_edges([behind_smoke(pair, seed, 0.8) for seed, pair in enumerate(PAIRS)])
    assert found.agreement < 0.1
    assert distance_px(found.homography, np.eye(3)) < 2


@pytest.mark.parametrize(("seed", "sigma_px"), [(0, 3), (1, 5)])
def test_the_best_warp_between_different_scenes_is_refused_though_many_of_few_patches_agree(
    seed: int, sigma_px: float
) -> None:
    pairs = [beside_another_scene(seed, sigma_px)]
    found = best_fit(pairs)
    assert found.support.agreeing > 4
    with pytest.raises(CoconetError, match="which may be chance"):
        register_edges(pairs)


def test_cameras_that_see_the_same_are_tried_as_they_are_whatever_small_pictures_say(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "coconet.runtime.registration.edges.first_guesses", lambda *_: [np.array([[1, 0, 90], [0, 1, 60], [0, 0, 1.0]])]
    )
    assert distance_px(register_edges(PAIRS).homography, np.eye(3)) < 1


@pytest.mark.parametrize(
    ("distinct", "patches", "agreeing"), [(3.0, 101, 35), (1.3, 41, 19), (1.4, 19, 9), (1.0, 86, 42)]
)
def test_what_pictures_of_different_scenes_reach_is_weak(distinct: float, patches: int, agreeing: int) -> None:
    fit = EdgeFit(np.eye(3), 0.2, distinct, PatchSupport(patches, agreeing, 1.0, 0.9))
    assert "which may be chance" in fit.weakness
    assert f"{agreeing} of {patches} patches" in fit.weakness


@pytest.mark.parametrize(("distinct", "patches", "agreeing"), [(3.0, 101, 55), (2.3, 86, 42), (1.2, 24, 24)])
def test_patches_and_edges_that_stand_out_or_nearly_all_patches_bear_a_fit_out(
    distinct: float, patches: int, agreeing: int
) -> None:
    assert EdgeFit(np.eye(3), 0.1, distinct, PatchSupport(patches, agreeing, 1.0, 0.9)).weakness == ""


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("clip", ["0117_1605", "0117_1620"])
def test_people_in_smoke_are_aligned_by_the_first_seconds(clip: str, data: Path) -> None:
    sides = (str(data / "video" / f"{clip}_{side}.mp4") for side in ("vis", "ir"))
    with open_rig(Rig.from_addresses(*sides), align=False) as stream:
        found = register_edges(PairSampling().of(stream))
    assert distance_px(found.homography, np.eye(3)) < 5
