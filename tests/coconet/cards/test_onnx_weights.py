"""Weights that are no numbers are refused, wherever they lie; bounds and masks are not."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from coconet.cards.onnx_card import read_onnx
from coconet.cards.onnx_weights import check_onnx_weights, fault_of
from coconet.errors import CoconetError
from coconet.model_names import shipped_model
from tests.support.media.pair_folders import write_pair
from tests.support.models.conv_onnx import write_conv_model
from tests.support.programs.command_line import command

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("weights", "fault"),
    [
        ([1.0, 2.0], ""),
        ([1.0, NAN], "NaN"),
        ([NAN], "NaN"),
        ([INF], ""),  # a bound, as of Clip
        ([0.0, -INF, 0.0], ""),  # a mask, as of an attention
        ([1.0, -INF], "infinity"),
        ([INF, INF], "infinity"),
    ],
)
def test_what_no_training_gives_is_told_from_bounds_and_masks(weights: list[float], fault: str) -> None:
    for kind in (np.float16, np.float32, np.float64):
        assert fault_of(np.array(weights, kind)) == fault


def spoiled(path: Path, *, kind: int = TensorProto.FLOAT, node: bool = False, outside: bool = False) -> Path:
    """Put one more tensor with a NaN in it into a model: as an initializer, as a node, or in a file beside it."""
    model = onnx.load(write_conv_model(path))
    tensor = helper.make_tensor("spoiled", kind, [2], [1.0, NAN])
    if kind in (TensorProto.FLOAT, TensorProto.DOUBLE) and outside:
        tensor = numpy_helper.from_array(numpy_helper.to_array(tensor), "spoiled")
    if node:
        model.graph.node.append(helper.make_node("Constant", [], ["unused"], value=tensor))
    else:
        model.graph.initializer.append(tensor)
    if outside:
        onnx.save(model, path, save_as_external_data=True, location="beside.bin", size_threshold=0)
    else:
        onnx.save(model, path)
    return path


@pytest.mark.parametrize("kind", [TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE, TensorProto.BFLOAT16])
@pytest.mark.parametrize("node", [False, True])
def test_they_are_found_in_every_type_and_place(tmp_path: Path, kind: int, node: bool) -> None:
    path = spoiled(tmp_path / "m.onnx", kind=kind, node=node)
    for look in (check_onnx_weights, read_onnx):
        with pytest.raises(CoconetError, match=r"m\.onnx holds NaN in spoiled"):
            look(path)


def test_they_are_found_in_a_file_beside_the_model(tmp_path: Path) -> None:
    with pytest.raises(CoconetError, match="holds NaN in spoiled"):
        check_onnx_weights(spoiled(tmp_path / "m.onnx", outside=True))


def test_a_model_is_looked_at_once_until_it_or_a_file_beside_it_is_written_anew(tmp_path: Path) -> None:
    path, beside = tmp_path / "m.onnx", tmp_path / "beside.bin"
    model = onnx.load(write_conv_model(path))
    onnx.save(model, path, save_as_external_data=True, location=beside.name, size_threshold=0)
    check_onnx_weights(path)
    before = beside.stat()
    beside.write_bytes(np.full(before.st_size // 4, NAN, np.float32).tobytes())
    os.utime(beside, ns=(before.st_atime_ns, before.st_mtime_ns))  # as if nothing had been written
    check_onnx_weights(path)
    os.utime(beside, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    with pytest.raises(CoconetError, match="holds NaN in"):
        check_onnx_weights(path)


@pytest.mark.parametrize("word", ["lite", "lite-int8"])
def test_weights_that_are_numbers_pass(word: str) -> None:
    check_onnx_weights(shipped_model(word))


def test_a_run_ends_with_the_code_of_the_model_and_leaves_nothing(tmp_path: Path) -> None:
    gray = np.full((48, 64), 90, np.uint8)
    write_pair(tmp_path / "pairs", "a.png", gray, gray)
    model, pairs = spoiled(tmp_path / "m.onnx"), tmp_path / "pairs"
    ended = command("run", "--visible", pairs, "--infrared", pairs, "--model", model, "--out", tmp_path / "fused")
    assert (ended.code, (tmp_path / "fused").exists()) == (4, False)
    assert "holds NaN in spoiled" in ended.err.replace("\n", " ")
