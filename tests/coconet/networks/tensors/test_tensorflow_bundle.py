"""TensorFlow 1 checkpoints: read back by any of their names, and refused where a byte is wrong."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coconet.errors import CoconetError
from coconet.networks.tensors.crc32c import crc32c
from coconet.networks.tensors.tensorflow_bundle import find_bundle, read_bundle
from coconet.networks.tensors.weight_files import read_pieces
from tests.support.weights import tensorflow_bundle
from tests.support.weights.tensorflow_bundle import write_bundle

TENSORS = {
    "Generator/encoder/conv1_1/kernel": np.arange(3 * 3 * 2 * 4, dtype="<f4").reshape(3, 3, 2, 4),
    "Generator/encoder/conv1_1/bias": np.array([1.5, -2.0, 0.25, 3e38], "<f4"),
    "Generator/encoder/conv1_1/bias/Adam": np.zeros(4, "<f4"),
    "Generator/decoder/scale": np.array(2.5, "<f8"),
    "beta1_power": np.array(0.5, "<f4"),
    "steps": np.array([7, -7], "<i8"),
}
KEPT = [name for name in TENSORS if "Adam" not in name and name != "beta1_power"]


@pytest.fixture
def index(tmp_path: Path) -> Path:
    return write_bundle(tmp_path / "model.ckpt", TENSORS)


def test_the_numbers_come_back_and_those_of_the_training_do_not(index: Path) -> None:
    found = read_bundle(index, index)
    assert sorted(found) == sorted(KEPT)
    for name in KEPT:
        np.testing.assert_array_equal(found[name], TENSORS[name])
        assert found[name].dtype == TENSORS[name].dtype


@pytest.mark.parametrize("ending", ["", ".index", ".meta", ".data-00000-of-00001"])
def test_any_file_of_it_and_its_bare_name_mean_the_checkpoint(index: Path, ending: str) -> None:
    index.with_name("model.ckpt.meta").touch()
    (piece,) = read_pieces([str(index.with_name(f"model.ckpt{ending}"))])
    assert sorted(piece.tensors) == sorted(KEPT)


def test_tensorflows_own_note_of_the_newest_one_means_it_too(index: Path) -> None:
    index.with_name("checkpoint").write_text('model_checkpoint_path: "/home/authors/model.ckpt"\n')
    assert find_bundle(index.with_name("checkpoint")) == index


def test_an_index_alone_is_told_what_it_is(index: Path) -> None:
    index.with_name("model.ckpt.data-00000-of-00001").unlink()
    said = r"only the index of a TensorFlow checkpoint: model\.ckpt\.data-00000-of-00001, .* is not beside it"
    with pytest.raises(CoconetError, match=said):
        read_pieces([str(index)])


def test_values_without_an_index_are_told_what_they_are(index: Path) -> None:
    index.unlink()
    with pytest.raises(
        CoconetError, match=r"is one file of a TensorFlow checkpoint, and model\.ckpt\.index is not beside it"
    ):
        read_pieces([str(index.with_name("model.ckpt.data-00000-of-00001"))])


@pytest.mark.parametrize("file", ["model.ckpt.index", "model.ckpt.data-00000-of-00001"])
@settings(max_examples=40)
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7), cut=st.booleans())
def test_a_damaged_one_is_refused(tmp_path: Path, file: str, place: float, bit: int, cut: bool) -> None:
    index = write_bundle(tmp_path / "model.ckpt", {name: TENSORS[name] for name in KEPT})
    content = bytearray((tmp_path / file).read_bytes())
    at = int(place * len(content))
    if cut:
        del content[at:]
    else:
        content[at] ^= 1 << bit
    (tmp_path / file).write_bytes(content)
    with suppress(CoconetError):  # nothing else may come out
        found = read_bundle(index, index)
        # No byte that was read: the padding of the index, or the table in it that is always empty.
        assert (cut, file) == (False, "model.ckpt.index")
        assert all((found[name] == TENSORS[name]).all() for name in KEPT)


def test_the_checksum_is_that_of_its_definition_for_few_and_for_many_bytes() -> None:
    assert crc32c(b"123456789") == 0xE3069283  # RFC 3720, and every catalogue of checksums
    many = np.random.default_rng(0).integers(0, 256, 20_001, np.uint8).tobytes()
    assert crc32c(many) == tensorflow_bundle.crc32c(many)
