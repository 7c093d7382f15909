"""Shipped models: found beside the code, or missed in words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import coconet
from coconet.errors import CoconetError
from coconet.shipped import shipped_checkpoint, shipped_model


@pytest.mark.parametrize(
    ("name", "find"),
    [
        ("lite.onnx", shipped_model),
        ("lite.int8.onnx", lambda: shipped_model(precision="int8")),
        ("lite.safetensors", shipped_checkpoint),
    ],
)
def test_a_shipped_file_is_found_or_its_path_is_named(name: str, find: Callable[[], Path]) -> None:
    path = Path(coconet.__file__).parent / "weights" / name
    if path.is_file():
        assert find() == path
    else:
        with pytest.raises(CoconetError, match="wanted a model that is part of the package, got no such file"):
            find()


def test_an_unknown_network_is_missed() -> None:
    with pytest.raises(CoconetError, match=r"weights/heavy\.onnx: wanted a model that is part of the package"):
        shipped_model("heavy")


def test_a_precision_that_is_not_shipped_is_refused() -> None:
    with pytest.raises(CoconetError, match="wanted one of the precisions fp32, int8, got fp16"):
        shipped_model(precision="fp16")
