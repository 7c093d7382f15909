"""Whether ONNX Runtime's CUDA provider truly loads here, asked of the loader, as ONNX Runtime itself falls back."""

from __future__ import annotations

import ctypes
from contextlib import suppress
from pathlib import Path

from coconet.errors import CoconetError, MissingPackage
from runtime.cuda_device import first_cuda_device

try:
    import onnxruntime
except ImportError as error:
    raise MissingPackage("onnxruntime", job="running ONNX models") from error

PROVIDER = "CUDAExecutionProvider"
INSTALL = "Install it with: pip uninstall onnxruntime && pip install 'onnxruntime-gpu[cuda,cudnn]'"
LIBRARY = "libonnxruntime_providers_cuda.so"


def require_provider() -> None:
    """Raise CoconetError where this ONNX Runtime has no CUDA provider; load the CUDA libraries that pip installed."""
    found = onnxruntime.get_available_providers()
    if PROVIDER not in found:
        raise CoconetError(
            f"ONNX Runtime {onnxruntime.__version__}",
            wanted=f"the build for GPUs, with {PROVIDER}",
            got=f"one with {', '.join(found)}",
            remedy=INSTALL,
        )
    if hasattr(onnxruntime, "preload_dlls"):
        with suppress(Exception):  # what is missing is told better by the session
            onnxruntime.preload_dlls()


def cuda_verdict() -> str | None:
    """Say why the CUDA provider cannot be used; None where it can. Never raises."""
    if PROVIDER not in onnxruntime.get_available_providers():
        return "this ONNX Runtime has no CUDA provider"
    try:
        device = first_cuda_device()
    except CoconetError as error:
        return f"the CUDA provider has no GPU: {error.got}"
    missing = missing_library(Path(onnxruntime.__file__).parent / "capi" / LIBRARY)
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
