"""A server of the small network, a pair of pictures, and what that network makes of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import onnxruntime
import pytest

from coconet.media.pixels import Pixels
from coconet.model_names import shipped_model
from coconet.runtime.serving.model_server import ModelServer
from tests.support.servers.served_model import serving


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    with serving("lite", "lite") as running:
        yield running


@pytest.fixture(scope="module")
def pair() -> tuple[Pixels, Pixels]:
    levels = np.random.default_rng(3)
    return levels.integers(0, 256, (48, 64, 3), np.uint8), levels.integers(0, 256, (48, 64, 1), np.uint8)


@pytest.fixture(scope="module")
def bare(pair: tuple[Pixels, Pixels]) -> Pixels:
    """What ONNX Runtime itself makes of the pair, called on the file without a line of ours."""
    session = onnxruntime.InferenceSession(str(shipped_model("lite")), providers=["CPUExecutionProvider"])
    fused: Pixels = session.run(None, {"visible": pair[0][None], "infrared": pair[1][None]})[0]
    return fused
