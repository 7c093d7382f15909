from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from coconet.errors import CoconetError
from coconet.training.data import BLOCK, read_patches

LEVELS = np.random.default_rng(0).integers(0, 256, (BLOCK + 3, 2, 8, 16), np.uint8)


def written(path: Path, array: np.ndarray, key: str = "data") -> Path:
    with h5py.File(path, "w") as file:
        file[key] = array
    return path


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_every_patch_comes_back_to_the_level(tmp_path: Path, kind: type) -> None:
    patches = list(read_patches(written(tmp_path / "training.h5", (LEVELS / 255.0).astype(kind))))
    assert np.array_equal(np.stack(patches), LEVELS)


def test_channels_may_stand_last(tmp_path: Path) -> None:
    patches = list(read_patches(written(tmp_path / "training.h5", np.moveaxis(LEVELS[:3] / 255.0, 1, -1))))
    assert np.array_equal(np.stack(patches), LEVELS[:3])


@pytest.mark.parametrize("shape", [(4, 8, 8), (4, 5, 8, 8), (4, 2, 8, 3)])
def test_a_shape_that_can_not_be_read_in_one_way_is_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(
        CoconetError, match=r"has patches of shape .*; expected \(N, 2 or 3, H, W\) or \(N, H, W, 2 or 3\)"
    ):
        list(read_patches(written(tmp_path / "a.h5", np.zeros(shape))))


@pytest.mark.parametrize(("value", "got"), [(255.0, "0 to 255"), (-1.0, "-1 to 0"), (np.nan, "nan to nan")])
def test_values_outside_0_to_1_are_refused(tmp_path: Path, value: float, got: str) -> None:
    array = np.zeros((1, 2, 8, 8))
    array[0, 1, 3, 4] = value
    with pytest.raises(CoconetError, match=f"has values from {got}; expected 0 to 1"):
        list(read_patches(written(tmp_path / "a.h5", array)))


def test_a_file_without_the_array_says_what_it_holds(tmp_path: Path) -> None:
    with pytest.raises(CoconetError, match="has no array called data; it holds images"):
        list(read_patches(written(tmp_path / "a.h5", np.zeros((1, 2, 8, 8)), key="images")))


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.h5").write_bytes(b"no HDF5")
    with pytest.raises(CoconetError, match="is not an HDF5 file, or is damaged"):
        list(read_patches(tmp_path / "a.h5"))
