"""Whether TensorRT can make an engine here and run it; without a GPU nothing of TensorRT is imported."""

from __future__ import annotations

from importlib.util import find_spec

from coconet.errors import CoconetError
from coconet.runtime.backends.tensorrt.cuda_device import first_cuda_device


def engine_verdict() -> str | None:
    """Say why no engine can be built and run here; None if one can. Never raises."""
    try:
        device = first_cuda_device()
    except CoconetError as error:
        return f"TensorRT has no GPU: {error.got}"
    from coconet.runtime.backends.tensorrt.own_engine import flavour_of

    if flavour_of(device) is None:
        return f"no TensorRT for {device.name} is installed"
    return None if find_spec("onnx") else "the package onnx, which building engines needs, is not installed"
