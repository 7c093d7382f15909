"""Opening what runs a model: the functions that know which file needs which backend."""

from __future__ import annotations

from pathlib import Path

from coconet.errors import ExitCode, ending_with
from coconet.model_names import RULES
from coconet.runtime.backends.backend import Backend
from coconet.runtime.backends.choice import BackendChoice, ServedElsewhere, choose_backend
from coconet.runtime.backends.rules.baseline import BaselineBackend


def open_backend(model: Path | str, backend: str = "auto") -> Backend:
    """Open a model by its ending: .onnx, .engine (TensorRT), .safetensors, .pth or .pt (PyTorch).

    The words of coconet.model_names.MODELS open what comes with the package, those of RULES the baselines.
    backend: which runs it, see coconet.runtime.backends.choice; auto takes what this machine runs best.
    Raises CoconetError as `choose_backend` and `open_choice` do.
    """
    return open_choice(choose_backend(model, backend))


@ending_with(ExitCode.MODEL)
def open_choice(choice: BackendChoice) -> Backend:
    """Open a model in the backend that was chosen for it.

    Raises CoconetError for a file that is not such a model, which ends every command with ExitCode.MODEL, and
    MissingPackage if the backend is not installed.
    """
    if choice.server is not None:
        return _open_served(choice.server)
    return _open_here(choice)


def _open_served(served: ServedElsewhere) -> Backend:
    from coconet.runtime.backends.remote.backend import RemoteBackend

    local = None if served.local is None else _open_here(served.local)  # at once: it must not be waited for later
    return RemoteBackend(served.address, local, served.depth, served.late_s, served.coding)


def _open_here(choice: BackendChoice) -> Backend:
    for rule in RULES:
        if rule == str(choice.path):
            return BaselineBackend(rule)
    if choice.kind == "tensorrt":
        from coconet.runtime.backends.tensorrt.backend import TensorRtBackend

        return TensorRtBackend(choice.path, choice.ring)
    if choice.kind == "torch":
        from coconet.runtime.backends.pytorch import open_checkpoint

        return open_checkpoint(choice.path)
    if choice.kind == "ort-cuda":
        from coconet.runtime.backends.ort_gpu import OnnxRuntimeCudaBackend

        return OnnxRuntimeCudaBackend(choice.path, choice.ring.graph)
    if choice.kind == "openvino":
        from coconet.runtime.backends.openvino.backend import OpenVinoBackend

        return OpenVinoBackend(choice.path, choice.threads)
    from coconet.runtime.backends.ort_cpu import OnnxRuntimeBackend

    return OnnxRuntimeBackend(choice.path, choice.threads)
