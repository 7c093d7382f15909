from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from coconet.errors import CoconetError
from coconet.media.image import write_picture
from coconet.training.data import load_pairs, with_masks
from tests.support.gray_pairs import noise_pair
from tests.support.pair_folders import write_pair


def test_the_pairs_of_a_folder_are_read_as_they_are(tmp_path: Path) -> None:
    one = noise_pair()
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


def test_masks_are_read_where_there_are_some(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        write_pair(tmp_path, name, noise_pair().visible, noise_pair().infrared)
    (tmp_path / "mask").mkdir()
    write_picture(tmp_path / "mask" / "b.png", np.full((80, 96, 1), 200, np.uint8))
    without, masked = load_pairs([tmp_path])
    assert without.mask is None
    assert masked.mask is not None
    assert np.unique(masked.mask).tolist() == [255]


def test_a_mask_without_a_pair_is_refused(tmp_path: Path) -> None:
    write_pair(tmp_path, "a.png", noise_pair().visible, noise_pair().infrared)
    (tmp_path / "mask").mkdir()
    write_picture(tmp_path / "mask" / "a_mask.png", np.zeros((80, 96, 1), np.uint8))
    with pytest.raises(
        CoconetError, match="masks under the names of the pairs, got 1 without a pair, the first one a_"
    ):
        load_pairs([tmp_path])


def test_a_mask_of_another_size_is_refused(tmp_path: Path) -> None:
    write_pair(tmp_path, "a.png", noise_pair().visible, noise_pair().infrared)
    (tmp_path / "mask").mkdir()
    write_picture(tmp_path / "mask" / "a.png", np.zeros((80, 95, 1), np.uint8))
    with pytest.raises(CoconetError, match="visible 96x80, infrared 96x80, mask 95x80"):
        load_pairs([tmp_path])


def test_pairs_without_a_mask_get_one_and_drawn_ones_stay() -> None:
    drawn = replace(noise_pair(), mask=np.zeros((80, 96), np.uint8))
    ruled = replace(noise_pair(), infrared=np.pad(np.full((8, 8), 250, np.uint8), ((20, 52), (30, 58))))
    first, second = with_masks([drawn, ruled])
    assert first.mask is drawn.mask
    assert second.mask is not None
    assert second.mask[24, 34] == 255


def test_a_file_of_patches_is_a_source(tmp_path: Path) -> None:
    patches = np.random.default_rng(0).integers(0, 256, (5, 3, 64, 64)) / 255.0
    with h5py.File(tmp_path / "finetune_data.h5", "w") as file:
        file["data"] = patches.astype(np.float32)
    pairs = load_pairs([tmp_path / "finetune_data.h5"])
    assert [one.name for one in pairs] == [f"finetune_data {index}" for index in range(5)]
    assert pairs[4].mask is not None
    for index, side in enumerate((pairs[4].visible, pairs[4].infrared, pairs[4].mask)):
        np.testing.assert_allclose(side / 255.0, patches[4, index], atol=1e-6)


@pytest.mark.data
def test_a_video_is_thinned_out_and_paired_with_its_infrared_twin(data: Path) -> None:
    pairs = load_pairs([data / "video" / "0117_1605_vis.mp4"])
    assert len(pairs) == 41
    following = [pair.following.visible for pair in pairs if pair.following is not None]
    assert len(following) == 41
    assert 0 < np.abs(pairs[0].visible.astype(float) - following[0]).mean() < 5
    assert pairs[0].visible.shape == pairs[0].infrared.shape == (480, 640)
    assert pairs[0].visible.std() > 10
    assert not np.array_equal(pairs[0].visible, pairs[0].infrared)
