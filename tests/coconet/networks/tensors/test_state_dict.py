"""State dicts: found in every usual wrapping, loaded strictly, refused in words."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from coconet.errors import CoconetError
from coconet.networks.tensors.state_dict import WRAPPINGS, load_strictly, read_tensors, unwrap


def tensors(scale: float = 1.0) -> OrderedDict[str, Tensor]:
    return OrderedDict(weight=scale * torch.arange(6.0).reshape(2, 3), bias=torch.tensor([7.0, 8.0]))


def loaded(state: object) -> nn.Linear:
    network = nn.Linear(3, 2)
    load_strictly(network, unwrap(state, "w.pth"), "w.pth")
    return network


@pytest.mark.parametrize("key", WRAPPINGS)
def test_a_state_dict_is_found_under_every_usual_key(key: str) -> None:
    content = {"epoch": 3, key: tensors(), "optimizer": {"state": {}}}
    torch.testing.assert_close(loaded(content).state_dict(), tensors())


def test_wrappings_may_lie_in_each_other() -> None:
    torch.testing.assert_close(loaded({"model": {"state_dict": tensors()}}).state_dict(), tensors())


def test_what_parallel_training_puts_before_the_names_is_taken_away() -> None:
    prefixed = {f"module._orig_mod.{name}": tensor for name, tensor in tensors().items()}
    torch.testing.assert_close(loaded({"net": prefixed}).state_dict(), tensors())


def test_a_network_with_a_part_called_module_keeps_its_names() -> None:
    network = nn.ModuleDict({"module": nn.Linear(3, 2)})
    load_strictly(network, {f"module.{name}": tensor for name, tensor in tensors().items()}, "w.pth")
    torch.testing.assert_close(network["module"].state_dict(), tensors())


def test_tensors_of_any_precision_are_loaded_as_single() -> None:
    state = {name: tensor.double() for name, tensor in tensors().items()}
    assert {parameter.dtype for parameter in loaded(state).parameters()} == {torch.float32}


@pytest.mark.parametrize(
    ("weight", "kind"),
    [
        (torch.zeros(2, 3).to_sparse(), "a sparse tensor"),
        (torch.zeros(2, 3, device="meta"), "no values"),
        (torch.zeros(2, 3, dtype=torch.complex64), "complex numbers"),
    ],
    ids=["sparse", "meta", "complex"],
)
def test_tensors_without_dense_real_numbers_are_said_to_be_so(weight: Tensor, kind: str) -> None:
    with pytest.raises(CoconetError, match=f"has {kind} in weight; only dense tensors"):
        loaded({**tensors(), "weight": weight})


@pytest.mark.parametrize("name", ["w.pth", "w.safetensors"])
@pytest.mark.parametrize(
    ("content", "got"),
    [
        (b"", "an empty file; .* Copy"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a pointer of Git LFS; .* Fetch"),
        (b"\r\n<!DOCTYPE html><html></html>", "a web page; .* Open"),
        (b"\x1f\x8b\x08\x00", "a gzip archive; .* Unpack"),
        (b"hello", None),
    ],
    ids=["empty", "pointer", "page", "gzip", "other"],
)
def test_what_lies_under_the_name_of_weights_is_said_to_be_what_it_is(
    tmp_path: Path, name: str, content: bytes, got: str | None
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CoconetError, match=f"is {got or '(?!a web|an empty|a gzip|a pointer)'}"):
        read_tensors(tmp_path / name)


def test_missing_and_unknown_tensors_are_named() -> None:
    with pytest.raises(CoconetError, match=r"the 2 tensors of Linear: 1 missing \(bias\) and 1 unknown \(gain\)"):
        loaded({"weight": torch.zeros(2, 3), "gain": torch.zeros(1)})


def test_tensors_of_another_shape_are_named_with_both_shapes() -> None:
    with pytest.raises(CoconetError, match=r"1 of another shape \(weight: \(2, 4\) for \(2, 3\)\)"):
        loaded({**tensors(), "weight": torch.zeros(2, 4)})


@pytest.mark.parametrize(
    ("content", "got"),
    [
        (torch.zeros(1), "a Tensor"),
        ({}, "an empty dictionary"),
        ({"epoch": 1, "model": "unet"}, "a dictionary of epoch, model"),
        ({**tensors(), "epoch": 1}, "a dictionary of weight, bias, epoch"),
        ({0: torch.zeros(1)}, "a dictionary of 0"),
    ],
    ids=["tensor", "empty", "words", "mixed", "numbers"],
)
def test_anything_else_is_said_to_be_what_it_is(content: object, got: str) -> None:
    with pytest.raises(CoconetError, match=f"holds {got}, but no state dict, bare or under one of "):
        unwrap(content, Path("w.pth"))
