"""ONNX Runtime's CUDA provider, looked for without importing ONNX Runtime: OpenVINO may be what runs the model."""

from __future__ import annotations

import ctypes
from importlib.util import find_spec
from pathlib import Path

from coconet.errors import CoconetError, MissingPackage
from coconet.runtime.backends.tensorrt.cuda_device import first_cuda_device

LIBRARY = "libonnxruntime_providers_cuda.so"
"""The provider's own file, which builds for GPUs alone have."""


def cuda_verdict() -> str | None:
    """Say why the CUDA provider cannot be used; None if it can. Raises MissingPackage without ONNX Runtime."""
    library = _library()
    if not library.is_file():
        return "this ONNX Runtime has no CUDA provider"
    try:
        device = first_cuda_device()
    except CoconetError as error:
        return f"the CUDA provider has no GPU: {error.got}"
    missing = missing_library(library)
    return None if missing is None else f"the CUDA provider does not load on {device.name}: {missing}"


def missing_library(provider: Path) -> str | None:
    """Load a provider's library with all it links to, and return what the loader misses, if anything."""
    try:
        # The shared half of a provider is found by its name once it is loaded.
        ctypes.CDLL(str(provider.with_name("libonnxruntime_providers_shared.so")), mode=ctypes.RTLD_GLOBAL)
        ctypes.CDLL(str(provider))
    except OSError as error:
        return str(error)
    return None


def _library() -> Path:
    """Where the provider lies if this ONNX Runtime has it."""
    package = find_spec("onnxruntime")
    if package is None:
        raise MissingPackage("onnxruntime", job="running ONNX models", extra="cpu")
    return Path(next(iter(package.submodule_search_locations or ("",)))) / "capi" / LIBRARY
