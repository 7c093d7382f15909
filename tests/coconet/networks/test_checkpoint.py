from __future__ import annotations

import os
import pickle
import re
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from coconet.errors import CoconetError
from coconet.networks.checkpoint import load_checkpoint, network_named, save_checkpoint
from coconet.networks.coconet import CoCoNet, Normalization
from coconet.networks.tensors.state_dict import read_tensors


@pytest.fixture
def lite_file(tmp_path: Path) -> Path:
    path = tmp_path / "lite.safetensors"
    save_checkpoint(path, "lite", network_named("lite").build())
    return path


def published_file(path: Path, **changes: torch.Tensor) -> Path:
    state = {**CoCoNet().state_dict(), **changes}
    torch.save({"meta": {"epoch": 1, "iter": 2}, "state_dict": state, "optimizer": {}}, path)
    return path


def test_weights_come_back_as_they_were_saved(tmp_path: Path) -> None:
    known = network_named("lite")
    core, signature = known.build(), known.signature
    save_checkpoint(tmp_path / "a.safetensors", "lite", core)
    loaded = load_checkpoint(tmp_path / "a.safetensors")
    assert loaded.network == "lite"
    assert loaded.signature == signature
    torch.testing.assert_close(loaded.core.state_dict(), core.state_dict())


def test_half_precision_halves_the_file_and_is_loaded_as_single(tmp_path: Path, lite_file: Path) -> None:
    half = tmp_path / "half.safetensors"
    save_checkpoint(half, "lite", load_checkpoint(lite_file).core, half=True)
    assert half.stat().st_size < 0.55 * lite_file.stat().st_size
    assert {p.dtype for p in load_checkpoint(half).core.parameters()} == {torch.float32}


def test_the_published_file_brings_its_own_semantics(tmp_path: Path) -> None:
    loaded = load_checkpoint(published_file(tmp_path / "latest.pth"))
    assert loaded.signature.input_range == (0.0, 255.0)
    assert loaded.signature.normalization == "image"
    assert all(layer.per_image for layer in loaded.core.modules() if isinstance(layer, Normalization))


def test_ours_keep_running_statistics(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "c.safetensors", "coconet", CoCoNet())
    loaded = load_checkpoint(tmp_path / "c.safetensors")
    assert loaded.signature.normalization == "running"
    assert not any(layer.per_image for layer in loaded.core.modules() if isinstance(layer, Normalization))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CoconetError, match="gone.safetensors does not exist; expected a checkpoint"):
        load_checkpoint(tmp_path / "gone.safetensors")


def test_a_truncated_safetensors_file_is_refused(lite_file: Path) -> None:
    lite_file.write_bytes(lite_file.read_bytes()[:-1000])
    with pytest.raises(CoconetError, match="expected a whole safetensors file"):
        load_checkpoint(lite_file)


def test_a_truncated_pytorch_file_is_refused(tmp_path: Path) -> None:
    path = published_file(tmp_path / "latest.pth")
    path.write_bytes(path.read_bytes()[:200_000])
    with pytest.raises(CoconetError, match="expected a PyTorch file"):
        load_checkpoint(path)


@settings(max_examples=60)
@given(place=st.floats(0, 1, exclude_max=True), byte=st.integers(0, 255), zipped=st.booleans())
def test_a_damaged_pytorch_file_is_read_or_refused_in_words(
    tmp_path: Path, place: float, byte: int, zipped: bool
) -> None:
    torch.save({"net": {"w": torch.zeros(2)}}, tmp_path / "w.pth", _use_new_zipfile_serialization=zipped)
    content = bytearray((tmp_path / "w.pth").read_bytes())
    content[int(place * len(content))] = byte
    (tmp_path / "w.pth").write_bytes(content)
    with suppress(CoconetError):  # nothing else may come out
        assert all(isinstance(tensor, torch.Tensor) for tensor in read_tensors(tmp_path / "w.pth")[1].values())


def test_a_file_that_would_execute_code_is_refused(tmp_path: Path) -> None:
    torch.save({"state_dict": Path("x")}, tmp_path / "evil.pth")
    with pytest.raises(CoconetError, match="nothing to execute"):
        load_checkpoint(tmp_path / "evil.pth")


def test_numbers_of_numpy_beside_the_weights_are_read_and_arrays_of_objects_are_not(tmp_path: Path) -> None:
    path = published_file(tmp_path / "latest.pth")
    losses = {"loss": [np.float64(0.5), np.float32(0.25)], "steps": np.int64(7)}
    torch.save({**torch.load(path), **losses}, path)
    assert load_checkpoint(path).network == "coconet"
    torch.save({**torch.load(path, weights_only=False), "loss": np.array([Path("x")], dtype=object)}, path)
    with pytest.raises(CoconetError, match="nothing to execute"):
        load_checkpoint(path)


def test_no_refusal_passes_on_the_advice_to_execute_a_file(tmp_path: Path) -> None:
    """PyTorch's own messages recommend weights_only=False, terminal colours included."""
    whole = tmp_path / "code.pth"
    torch.save({"weights": torch.zeros(2), "made by": Path}, whole)
    contents = {
        "half": whole.read_bytes()[: whole.stat().st_size // 2],
        "other": b"\x8f\xabc",
        "pickled": pickle.dumps(os.getcwd),
        "newer": pickle.dumps(Path("x"), protocol=5),
        "empty": b"",
    }
    for name, content in contents.items():
        (tmp_path / f"{name}.pth").write_bytes(content)
    for path in sorted(tmp_path.glob("*.pth")):
        with pytest.raises(CoconetError) as refused:
            load_checkpoint(path)
        said = str(refused.value)
        assert not re.search(r"weights_only|trust|torch\.load|Re-running|\x1b|miniz", said), said
        assert "Copy the file again, or save model.state_dict() with torch.save." in said
        assert ("names code, pathlib" in said) == (path == whole), said


def test_an_unknown_tensor_is_named(tmp_path: Path) -> None:
    path = published_file(tmp_path / "latest.pth", stranger=torch.zeros(1))
    with pytest.raises(CoconetError, match="1 unknown .*stranger"):
        load_checkpoint(path)


def test_a_tensor_of_another_shape_is_named(tmp_path: Path) -> None:
    path = published_file(tmp_path / "latest.pth", **{"conv10.bias": torch.zeros(2)})
    with pytest.raises(CoconetError, match="conv10.bias"):
        load_checkpoint(path)


def test_foreign_safetensors_are_refused(tmp_path: Path) -> None:
    save_file({"x": torch.zeros(1)}, tmp_path / "foreign.safetensors")
    with pytest.raises(CoconetError, match="does not name its network"):
        load_checkpoint(tmp_path / "foreign.safetensors")


def test_an_unknown_network_is_refused() -> None:
    with pytest.raises(CoconetError, match="network 'unet' is not known; known are coconet, lite, "):
        network_named("unet")
