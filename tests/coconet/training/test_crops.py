from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from coconet.errors import CoconetError
from coconet.networks.checkpoint import network_named
from coconet.training.crops import CropSampler, fuse_crops
from coconet.training.data import GrayPair
from tests.support.media.gray_pairs import noise_pair


def test_a_step_gives_the_same_crops_whatever_ran_before() -> None:
    first, second = (CropSampler([noise_pair(), noise_pair(seed=1)], 64, 3, seed=7) for _ in range(2))
    first.crops(0)
    for left, right in zip(vars(first.crops(5)).values(), vars(second.crops(5)).values(), strict=True):
        assert torch.equal(left, right)
    assert not torch.equal(first.crops(5).visible, first.crops(6).visible)
    assert not torch.equal(first.crops(5).visible, CropSampler(first.pairs, 64, 3, seed=8).crops(5).visible)


def test_crops_are_batches_in_0_to_1() -> None:
    for side in vars(CropSampler([noise_pair()], 64, 20, seed=0).crops(0)).values():
        assert side.shape == (20, 1, 64, 64)
        assert side.dtype == torch.float32
        assert 0.0 <= side.min() <= side.max() <= 1.0


def test_both_sides_of_a_crop_show_the_same_place() -> None:
    scene = np.random.default_rng(0).integers(0, 256, (80, 96), np.uint8)
    crops = CropSampler([GrayPair(scene, scene)], 64, 30, seed=0).crops(0)
    visible, infrared = crops.visible, crops.infrared
    flat = (visible.std(dim=(1, 2, 3)) == 0) | (infrared.std(dim=(1, 2, 3)) == 0)
    for one, other in zip(visible[~flat], infrared[~flat], strict=True):
        # Exposure and polarity differ, ranks do not: the darkest pixel of one is an extreme of the other.
        assert abs(np.corrcoef(one.flatten(), other.flatten())[0, 1]) > 0.9


def test_pictures_smaller_than_a_patch_are_left_out_and_none_left_is_an_error() -> None:
    assert len(CropSampler([noise_pair(), noise_pair(60, 96)], 64, 1, 0).pairs) == 1
    with pytest.raises(CoconetError, match="has no picture of 128 pixels a side or more"):
        CropSampler([noise_pair()], 128, 1, 0)


def test_a_mask_is_cut_turned_and_mirrored_with_its_pair_and_never_exposed() -> None:
    scene = np.where(np.arange(96) < 40, 255, 0).astype(np.uint8) * np.ones((80, 1), np.uint8)
    crops = CropSampler([GrayPair(scene, scene, mask=scene)], 64, 30, seed=0).crops(0)
    assert set(crops.mask.unique().tolist()) == {0.0, 1.0}
    for side, mask in zip(crops.infrared, crops.mask, strict=True):
        if side.std() > 0 and mask.std() > 0:
            assert abs(np.corrcoef(side.flatten(), mask.flatten())[0, 1]) == pytest.approx(1.0, abs=1e-4)


def test_masks_change_nothing_else_and_a_missing_one_is_empty() -> None:
    without = CropSampler([noise_pair()], 64, 8, seed=3).crops(4)
    full = CropSampler([replace(noise_pair(), mask=np.full((80, 96), 255, np.uint8))], 64, 8, seed=3).crops(4)
    assert torch.equal(without.visible, full.visible)
    assert torch.equal(without.infrared, full.infrared)
    assert (without.mask.max().item(), full.mask.min().item()) == (0.0, 1.0)


def test_a_picture_may_be_just_one_patch() -> None:
    assert CropSampler([noise_pair(64, 64)], 64, 2, seed=0).crops(0).visible.shape == (2, 1, 64, 64)


@pytest.mark.parametrize("network", ["coconet", "lite"])
def test_a_core_is_driven_in_its_own_ranges(network: str) -> None:
    known = network_named(network)
    core, signature = known.build(), known.signature
    core.eval()
    visible, infrared = torch.rand(2, 1, 1, 16, 16)
    (low, high), (least, most) = signature.input_range, signature.output_range
    with torch.no_grad():
        wanted = core(low + visible * (high - low), low + infrared * (high - low))
        fused = fuse_crops(core, signature, visible, infrared)
    assert fused.dtype == torch.float32
    torch.testing.assert_close(fused, (wanted - least) / (most - least), atol=0.02, rtol=0.02)
