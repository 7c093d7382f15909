"""Triton's own ModelConfig, as the client library of Triton carries it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest


def parsed_config(path: Path) -> Any:
    """Read a config.pbtxt with the message that Triton reads it with. Raises ParseError for what is none.

    The module is loaded from its file: the package around it wants gRPC, which this needs nothing of.
    """
    pytest.importorskip("tritonclient", reason="reads config.pbtxt with Triton's own message: pip install tritonclient")
    from google.protobuf import text_format  # type: ignore[import-untyped, unused-ignore]

    (found,) = importlib.util.find_spec("tritonclient").submodule_search_locations  # type: ignore[union-attr, misc]
    spec = importlib.util.spec_from_file_location("model_config_pb2", Path(found) / "grpc" / "model_config_pb2.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return text_format.Parse(path.read_text(), module.ModelConfig())
