from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from coconet.errors import CoconetError
from coconet.media.image import write_picture
from coconet.training.data import Selection, load_pairs, with_masks
from tests.support.media.gray_pairs import noise_pair
from tests.support.media.pair_folders import write_pair


def test_the_pairs_of_a_folder_are_read_as_they_are(tmp_path: Path) -> None:
    one = noise_pair()
    write_pair(tmp_path, "a.png", one.visible, one.infrared)
    (loaded,) = load_pairs([tmp_path])
    assert np.array_equal(loaded.visible, one.visible)
    assert np.array_equal(loaded.infrared, one.infrared)


def test_a_pair_of_unequal_sizes_is_refused(tmp_path: Path) -> None:
    write_pair(tmp_path, "a.png", np.zeros((70, 70), np.uint8), np.zeros((70, 71), np.uint8))
    with pytest.raises(CoconetError, match=r"a\.png belongs to a pair of unequal sizes: visible 70x70, infrared 71x70"):
        load_pairs([tmp_path])


def write_frames(folder: Path, *names: str) -> Path:
    for seed, name in enumerate(names):
        write_pair(folder, f"{name}.png", noise_pair(seed=seed).visible, noise_pair(seed=seed).infrared)
    return folder


def test_neighbours_by_number_follow_each_other_and_the_last_one_the_one_before(tmp_path: Path) -> None:
    write_frames(tmp_path, "park_08", "park_09", "park_16", "road_10", "still")
    pairs = {pair.name: pair for pair in load_pairs([tmp_path], selection=Selection(neighbours=frozenset({tmp_path})))}
    following = {name: pair.following.name if pair.following else None for name, pair in pairs.items()}
    assert following == {"park_08": "park_09", "park_09": "park_08", "park_16": None, "road_10": None, "still": None}


def test_numbered_pictures_are_stills_unless_their_folder_is_named(tmp_path: Path) -> None:
    assert [pair.following for pair in load_pairs([write_frames(tmp_path, "a_1", "a_2")])] == [None, None]


def test_neighbours_of_another_size_do_not_follow(tmp_path: Path) -> None:
    write_pair(tmp_path, "a_1.png", noise_pair().visible, noise_pair().infrared)
    write_pair(tmp_path, "a_2.png", noise_pair(64, 64).visible, noise_pair(64, 64).infrared)
    pairs = load_pairs([tmp_path], selection=Selection(neighbours=frozenset({tmp_path})))
    assert [pair.following for pair in pairs] == [None, None]


def test_neighbours_are_in_a_folder_of_the_data(tmp_path: Path) -> None:
    write_frames(tmp_path / "pairs", "a_1")
    with pytest.raises(CoconetError, match="is named in neighbours, but not in data"):
        load_pairs([tmp_path / "pairs"], selection=Selection(neighbours=frozenset({tmp_path / "other"})))


def test_held_pictures_are_left_out_by_name(tmp_path: Path) -> None:
    write_frames(tmp_path, "park_08", "park_09", "road_10")
    (left,) = load_pairs([tmp_path], selection=Selection(held=("park_*",)))
    assert left.name == "road_10"


@pytest.mark.parametrize(
    ("held", "said"), [("lake_*", "has no picture called lake_"), ("*", "is left empty: every picture")]
)
def test_a_name_that_holds_nothing_or_everything_is_refused(tmp_path: Path, held: str, said: str) -> None:
    write_frames(tmp_path, "park_08", "park_09")
    with pytest.raises(CoconetError, match=f"training data {said}"):
        load_pairs([tmp_path], selection=Selection(held=(held,)))


def test_no_source_is_refused() -> None:
    with pytest.raises(CoconetError, match="no source holds a pair"):
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
    with pytest.raises(CoconetError, match="holds 1 mask without a pair, the first one a_"):
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
