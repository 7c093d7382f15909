"""What runs a model: the contract, and the one function that knows which file needs which backend."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from coconet.signature import ModelCard
from runtime.backend_choice import BackendChoice, choose_backend
from runtime.baseline import RULES, BaselineBackend
from runtime.frame import Pixels


class Backend(Protocol):
    """A loaded model. `card` says what it expects, `name` what runs it, for reports.

    Gray visible frames are taken by colour models too; runtime/adapter.py does that for every backend.
    """

    card: ModelCard
    name: str

    def fuse(self, visible: Pixels, infrared: Pixels) -> Pixels:
        """Fuse (H, W, card.visible_channels) and (H, W, 1), both uint8, into a picture shaped like `visible`."""

    def close(self) -> None:
        """Release what the model holds; a second call does nothing."""


def open_backend(model: Path | str | BackendChoice, backend: str = "auto") -> Backend:
    """Open a model by its ending: .onnx, .engine (TensorRT), .safetensors, .pth or .pt (PyTorch).

    The words of coconet.shipped.MODELS open what comes with the package, those of RULES the baselines.
    backend: which runs it, see runtime.backend_choice; auto takes what this machine runs best.
    """
    choice = model if isinstance(model, BackendChoice) else choose_backend(model, backend)
    for rule in RULES:
        if rule == str(choice.path):
            return BaselineBackend(rule)
    if choice.kind == "tensorrt":
        from runtime.frame_ring import RingOptions
        from runtime.trt import TensorRtBackend

        return TensorRtBackend(choice.path, RingOptions(depth=choice.depth))
    if choice.kind == "torch":
        from runtime.eager import EagerBackend

        return EagerBackend(choice.path)
    if choice.kind == "ort-cuda":
        from runtime.ort_cuda import OnnxRuntimeCudaBackend

        return OnnxRuntimeCudaBackend(choice.path)
    if choice.kind == "openvino":
        from runtime.openvino_backend import OpenVinoBackend

        return OpenVinoBackend(choice.path)
    from runtime.ort import OnnxRuntimeBackend

    return OnnxRuntimeBackend(choice.path)
