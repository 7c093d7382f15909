from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from coconet.benchmarks.studies.night.bounds import newly_clipped, outside
from coconet.benchmarks.studies.night.darkness import STRENGTHS
from coconet.cards.model_card import Signature
from coconet.media.image import read_gray
from coconet.media.pairs import paired_folder
from coconet.model_names import CHECKPOINTS, shipped_checkpoint
from coconet.networks import lite
from coconet.networks.bounds import (
    BAND_CONTRAST,
    DETAIL_BY_NIGHT,
    SELECTED_BY_DAY,
    SELECTED_GAIN,
    bounded,
    brightness_of,
    deviation_of,
    lean_of,
    rises_of,
    stretch_room,
)
from coconet.networks.camera_ready import Fuser
from coconet.networks.checkpoint import load_checkpoint
from coconet.networks.lite import LiteNet
from coconet.networks.scene import DARK, LEAN, LEEWAY, LIT, NIGHT, STRETCH

Gray = NDArray[np.uint8]
Fuse = Callable[[Gray, Gray], Gray]
"""Fuses batches of pictures, (N, H, W)."""


def fuser_of(core: nn.Module, signature: Signature) -> Fuse:
    fuser = Fuser(core, signature, visible_channels=1).eval()

    def fuse(visible: Gray, infrared: Gray) -> Gray:
        with torch.inference_mode():
            pictures: Gray = fuser(*(torch.from_numpy(side)[..., None] for side in (visible, infrared)))[..., 0].numpy()
        return pictures

    return fuse


def wild(seed: int) -> Fuse:
    """A network whose levels have nothing to do with any training: weights ten times as large as fresh ones.

    It keeps the detail of both: gains have no other bound than GAIN, and detail of 8 pixels is not free of level.
    """
    torch.manual_seed(seed)
    core = LiteNet()
    for parameter in core.parameters():
        parameter.data *= 10.0
    for parameter in core.head.parameters():
        parameter.data[2:4] = 0.0
    return fuser_of(core, lite.OURS)


def shipped(name: str) -> Fuse:
    checkpoint = load_checkpoint(shipped_checkpoint(name))
    return fuser_of(checkpoint.core, checkpoint.signature)


@pytest.fixture(scope="module", params=[*CHECKPOINTS, "wild 0", "wild 1"])
def fuse(request: pytest.FixtureRequest) -> Fuse:
    name: str = request.param
    return wild(int(name.split()[1])) if name.startswith("wild") else shipped(name)


def blobs(seed: int, side: int = 96) -> NDArray[np.float64]:
    """Blobs of all sizes with grain on them, (side, side), of deviation 1."""
    rng = np.random.default_rng(seed)
    layers = [cv2.GaussianBlur(rng.normal(size=(side, side)), (0, 0), sigma) for sigma in (1, 4, 16)]
    return np.asarray(np.sum([layer / layer.std() for layer in layers], axis=0) / np.sqrt(len(layers)))


def scenes(levels: Sequence[float], contrast: float) -> tuple[Gray, Gray]:
    """A scene for each level, which the two cameras see half alike: two of (N, H, W)."""
    visible = [level * (1.0 + contrast * blobs(seed)) for seed, level in enumerate(levels)]
    infrared = [
        0.8 * level * (1.0 + 0.4 * contrast * (blobs(seed) + blobs(seed + 100))) for seed, level in enumerate(levels)
    ]
    both = np.clip(np.rint([visible, infrared]), 0, 255).astype(np.uint8)
    return both[0], both[1]


def furthest_outside(fused: Gray, visible: Gray, infrared: Gray) -> float:
    return max(outside(*pictures) for pictures in zip(fused, visible, infrared, strict=True))


def flat(levels: Sequence[int]) -> Gray:
    return np.repeat(np.array(levels, np.uint8), 32 * 32).reshape(-1, 32, 32)


def test_a_flat_pair_of_any_level_keeps_it(fuse: Fuse) -> None:
    pictures = flat(range(0, 256, 5))
    assert np.abs(fuse(pictures, pictures).astype(int) - pictures).max() <= 4


def test_a_pair_of_two_flat_levels_gives_one_between_them(fuse: Fuse) -> None:
    fused = fuse(flat([0, 30, 255, 128]), flat([40, 200, 10, 100])).astype(int)
    assert (fused >= flat([0, 30, 10, 100]).astype(int) - 4).all()
    assert (fused <= flat([40, 200, 255, 128]).astype(int) + 4).all()


def test_in_the_dark_the_level_stays_between_those_of_the_sources(fuse: Fuse) -> None:
    pair = scenes([4, 8, 15, 25, 40, 60, 80], contrast=0.4)
    assert furthest_outside(fuse(*pair), *pair) <= 0.01


def test_nothing_is_clipped_that_neither_source_has_clipped(fuse: Fuse) -> None:
    for contrast in (0.2, 0.6):
        pair = scenes([10, 60, 128, 190, 245], contrast)
        assert newly_clipped(fuse(*pair), *pair) == 0.0


def room_of(coarse: Tensor) -> float:
    return stretch_room(brightness_of(coarse), deviation_of(coarse)).item()


def test_a_scene_has_room_to_stretch_by_its_light_and_its_contrast() -> None:
    halves = torch.tensor([0.3, 0.9]).repeat_interleave(4).expand(1, 2, 8, 8)
    assert room_of(halves) == pytest.approx(LEEWAY + NIGHT + STRETCH)
    assert room_of(0.5 * halves) == pytest.approx(LEEWAY + NIGHT, abs=1e-5)
    assert room_of(torch.full((1, 2, 8, 8), 0.8)) == pytest.approx(LEEWAY, abs=1e-5)
    assert LEEWAY + NIGHT < room_of(0.7 * halves) < LEEWAY + NIGHT + STRETCH


def test_the_darker_a_scene_is_the_more_its_coarse_bands_lean_to_the_brighter_one() -> None:
    leans = lean_of(torch.tensor([0.0, DARK, (DARK + LIT) / 2, LIT, 1.0]))
    torch.testing.assert_close(leans, torch.tensor([LEAN, LEAN, LEAN / 2, 0.0, 0.0]))


def test_a_band_rises_to_the_brighter_one_if_that_is_brighter_around_there_too() -> None:
    bright, dark = torch.full((1, 1, 8, 8), 0.3), torch.full((1, 1, 8, 8), 0.1)
    rises = rises_of(torch.cat((dark, bright), dim=1))
    torch.testing.assert_close(rises, torch.cat((bright - dark, torch.zeros_like(dark)), dim=1))
    checkers = (torch.arange(8)[:, None] + torch.arange(8)) % 2 == 0
    turns = torch.where(checkers, bright, dark), torch.where(checkers, dark, bright)
    assert rises_of(torch.cat(turns, dim=1)).max() < 0.2 * (bright - dark).max()


def test_a_picture_within_bounds_gets_contrast_and_no_other_change() -> None:
    flat = torch.full((1, 1, 64, 64), 0.7)
    torch.testing.assert_close(bounded(flat, flat, flat), flat)
    halves = torch.tensor([0.6, 0.8]).repeat_interleave(32).expand(1, 1, 64, 64)
    fused = bounded(halves, halves, halves)
    contrast = 0.1 * 2 * BAND_CONTRAST * (1.0 - SELECTED_BY_DAY)
    assert (fused.mean() - 0.7).abs() < 1e-3
    torch.testing.assert_close(fused[..., :16], halves[..., :16] - contrast, atol=1e-3, rtol=0)
    torch.testing.assert_close(fused[..., -16:], halves[..., -16:] + contrast, atol=1e-3, rtol=0)


def stripes(contrast: float) -> Tensor:
    return contrast * torch.tensor([-1.0, 1.0]).repeat(1, 1, 32, 16)


def test_a_picture_out_of_bounds_keeps_its_detail_and_loses_its_level() -> None:
    detail = stripes(0.05)
    dark, bright = 0.2 + detail, 0.6 + detail
    kept = 2.0 * (1.0 - SELECTED_BY_DAY) + SELECTED_GAIN * SELECTED_BY_DAY
    for level, end in ((0.1, 0.2), (0.8, 0.6)):
        torch.testing.assert_close(bounded(level + 2.0 * detail, dark, bright), end + kept * detail)


def test_detail_that_no_source_has_is_left_out() -> None:
    level = torch.full((1, 1, 32, 32), 0.4)
    torch.testing.assert_close(bounded(level + stripes(0.05), level, level), level)


def test_by_night_most_of_the_detail_is_that_of_the_camera_that_sees_any() -> None:
    level = torch.full((1, 1, 32, 32), 0.1)
    seen = stripes(0.05)
    for pair in ((level, level + seen), (level + seen, level)):
        fused = bounded(level, *pair)
        torch.testing.assert_close(fused, level + DETAIL_BY_NIGHT * SELECTED_GAIN * seen, atol=1e-3, rtol=0)


@pytest.mark.data
@pytest.mark.parametrize("folder", ["tno", "roadscene", "dusk"])
def test_real_pictures_by_day_and_darkened_keep_to_the_bounds(data: Path, folder: str) -> None:
    fuse = shipped("lite")
    for seed, pair in enumerate(paired_folder(data / folder)[::12]):
        visible, infrared = read_gray(pair.visible)[None], read_gray(pair.infrared)[None]
        assert newly_clipped(fuse(visible, infrared), visible, infrared) <= 0.01
        for darkness in STRENGTHS.values():
            night = darkness.of((visible, infrared), seed)
            fused = fuse(*night)
            assert newly_clipped(fused, *night) <= 0.01
            assert furthest_outside(fused, *night) <= 0.01
