"""Graphs for parts: valid models with two inputs more, or none if the scene is not found in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from coconet.model_names import shipped_model
from coconet.runtime.backends.tiles.graph import INPUTS, graph_with_scene
from tests.support.models.tiny_onnx import write_averaging_model


@pytest.mark.parametrize("word", ["lite", "lite-fp16", "lite-int8", "lite-int8-fp16"])
def test_every_shipped_lite_becomes_a_valid_graph_that_takes_the_scene(word: str) -> None:
    content = graph_with_scene(shipped_model(word))
    assert content is not None
    model = onnx.load_from_string(content)
    onnx.checker.check_model(model, full_check=True)
    assert [one.name for one in model.graph.input] == ["visible", "infrared", *INPUTS]


def test_all_else_of_the_model_stays_as_it_is() -> None:
    content = graph_with_scene(shipped_model("lite"))
    assert content is not None
    before, after = onnx.load(shipped_model("lite")), onnx.load_from_string(content)
    changed = [one.op_type for one, other in zip(before.graph.node, after.graph.node, strict=True) if one != other]
    assert sorted(changed) == ["Min", "ReduceMean", "ReduceMean", "ReduceMean"]
    assert list(before.graph.initializer) == list(after.graph.initializer)
    assert list(before.metadata_props) == list(after.metadata_props)


@pytest.mark.parametrize("halved", [False, True])
def test_what_is_seen_of_a_part_has_the_size_that_the_whole_picture_wants(halved: bool) -> None:
    content = graph_with_scene(shipped_model("lite"), halved=halved)
    assert content is not None
    model = onnx.load_from_string(content)
    seen = next(node.input[0] for node in model.graph.node if node.op_type == "Conv")
    model.graph.output.append(onnx.helper.make_tensor_value_info(seen, onnx.TensorProto.FLOAT, None))
    session = onnxruntime.InferenceSession(model.SerializeToString())
    feed = {name: np.zeros((1, 1200, 1008, depth), np.uint8) for name, depth in (("visible", 3), ("infrared", 1))}
    feed |= {name: np.zeros((1, numbers, 1, 1), np.float32) for name, numbers in zip(INPUTS, (1, 1, 2), strict=True)}
    assert session.run([seen], feed)[0].shape == ((1, 2, 600, 504) if halved else (1, 2, 1200, 1008))


def test_a_graph_without_a_scene_is_none(tmp_path: Path) -> None:
    assert graph_with_scene(write_averaging_model(tmp_path / "m.onnx")) is None


def test_a_graph_whose_weights_lie_in_another_file_is_none(tmp_path: Path) -> None:
    model = onnx.load(shipped_model("lite"))
    onnx.save(model, tmp_path / "m.onnx", save_as_external_data=True, location="weights", size_threshold=1024)
    assert graph_with_scene(tmp_path / "m.onnx") is None
