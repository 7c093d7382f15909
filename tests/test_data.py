from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from coconet.data import CropSampler, GrayPair, load_pairs
from coconet.errors import CoconetError
from coconet.picture import write_picture


def pair(height: int = 80, width: int = 96, seed: int = 0) -> GrayPair:
    visible, infrared = np.random.default_rng(seed).integers(0, 256, (2, height, width), np.uint8)
    return GrayPair(visible, infrared)


def write_pair(root: Path, name: str, visible: np.ndarray, infrared: np.ndarray) -> None:
    for side, pixels in (("vis", visible), ("ir", infrared)):
        (root / side).mkdir(parents=True, exist_ok=True)
        write_picture(root / side / name, pixels[:, :, None])


def test_the_pairs_of_a_folder_are_read_as_they_are(tmp_path: Path) -> None:
    one = pair()
    write_pair(tmp_path, "a.png", one.visible, one.infrared)
    (loaded,) = load_pairs([tmp_path])
    assert np.array_equal(loaded.visible, one.visible)
    assert np.array_equal(loaded.infrared, one.infrared)


def test_a_pair_of_unequal_sizes_is_refused(tmp_path: Path) -> None:
    write_pair(tmp_path, "a.png", np.zeros((70, 70), np.uint8), np.zeros((70, 71), np.uint8))
    with pytest.raises(CoconetError, match=r"a\.png: wanted a pair of equal size, got visible 70x70, infrared 71x70"):
        load_pairs([tmp_path])


def test_no_source_is_refused() -> None:
    with pytest.raises(CoconetError, match="at least one source"):
        load_pairs([])


def test_a_step_gives_the_same_crops_whatever_ran_before() -> None:
    first, second = (CropSampler([pair(), pair(seed=1)], 64, 3, seed=7) for _ in range(2))
    first.crops(0)
    for left, right in zip(first.crops(5), second.crops(5), strict=True):
        assert torch.equal(left, right)
    assert not torch.equal(first.crops(5)[0], first.crops(6)[0])
    assert not torch.equal(first.crops(5)[0], CropSampler(first.pairs, 64, 3, seed=8).crops(5)[0])


def test_crops_are_batches_in_0_to_1() -> None:
    visible, infrared = CropSampler([pair()], 64, 20, seed=0).crops(0)
    assert visible.shape == infrared.shape == (20, 1, 64, 64)
    assert visible.dtype == torch.float32
    assert 0.0 <= min(visible.min(), infrared.min()) <= max(visible.max(), infrared.max()) <= 1.0


def test_both_sides_of_a_crop_show_the_same_place() -> None:
    scene = np.random.default_rng(0).integers(0, 256, (80, 96), np.uint8)
    visible, infrared = CropSampler([GrayPair(scene, scene)], 64, 30, seed=0).crops(0)
    flat = (visible.std(dim=(1, 2, 3)) == 0) | (infrared.std(dim=(1, 2, 3)) == 0)
    for one, other in zip(visible[~flat], infrared[~flat], strict=True):
        # Exposure and polarity differ, ranks do not: the darkest pixel of one is an extreme of the other.
        assert abs(np.corrcoef(one.flatten(), other.flatten())[0, 1]) > 0.9


def test_pictures_smaller_than_a_patch_are_left_out_and_none_left_is_an_error() -> None:
    assert len(CropSampler([pair(), pair(60, 96)], 64, 1, 0).pairs) == 1
    with pytest.raises(CoconetError, match="pictures of at least 128 pixels a side"):
        CropSampler([pair()], 128, 1, 0)


@pytest.mark.data
def test_a_video_is_thinned_out_and_paired_with_its_infrared_twin(data: Path) -> None:
    pairs = load_pairs([data / "video" / "0117_1605_vis.mp4"])
    assert len(pairs) == 41
    assert pairs[0].visible.shape == pairs[0].infrared.shape == (480, 640)
    assert pairs[0].visible.std() > 10
    assert not np.array_equal(pairs[0].visible, pairs[0].infrared)
