"""Short names that still tell models apart."""

from __future__ import annotations

import pytest

from coconet.model_names import model_labels


@pytest.mark.parametrize(
    ("models", "labels"),
    [
        (["average", "runs/a/lite.onnx"], ["average", "lite.onnx"]),
        (["runs/a/lite.onnx", "runs/b/lite.onnx"], ["a/lite.onnx", "b/lite.onnx"]),
        (["lite.onnx", "runs/lite.onnx"], ["lite.onnx", "runs/lite.onnx"]),
        (["/lite.onnx", "lite.onnx"], ["/lite.onnx", "lite.onnx"]),
        (["average", "average"], ["average", "average"]),
        ([], []),
    ],
)
def test_a_label_is_the_file_name_and_as_many_folders_as_it_takes(models: list[str], labels: list[str]) -> None:
    assert model_labels(models) == labels
