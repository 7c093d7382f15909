"""Graphs for parts: valid models with two inputs more, or none if the scene is not found in them."""

from __future__ import annotations

from pathlib import Path

import onnx
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
    assert changed == ["ReduceMean", "ReduceMean"]
    assert list(before.graph.initializer) == list(after.graph.initializer)
    assert list(before.metadata_props) == list(after.metadata_props)


def test_a_graph_without_a_scene_is_none(tmp_path: Path) -> None:
    assert graph_with_scene(write_averaging_model(tmp_path / "m.onnx")) is None


def test_a_graph_whose_weights_lie_in_another_file_is_none(tmp_path: Path) -> None:
    model = onnx.load(shipped_model("lite"))
    onnx.save(model, tmp_path / "m.onnx", save_as_external_data=True, location="weights", size_threshold=1024)
    assert graph_with_scene(tmp_path / "m.onnx") is None
