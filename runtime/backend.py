"""What runs a model: the contract, and the one function that knows which file needs which backend."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from coconet.errors import CoconetError
from coconet.files import existing_file
from coconet.shipped import MODELS, model_path
from coconet.signature import ModelCard
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


def open_backend(model: Path | str) -> Backend:
    """Open a model by its ending: .onnx (ONNX Runtime), .safetensors, .pth or .pt (PyTorch).

    The words of coconet.shipped.MODELS open what comes with the package, those of RULES the baselines.
    """
    for rule in RULES:
        if rule == str(model):
            return BaselineBackend(rule)
    path = model_path(model)
    existing_file(path, f"a model file, or one of the words {', '.join((*MODELS, *RULES))}")
    if path.suffix == ".onnx":
        from runtime.ort import OnnxRuntimeBackend

        return OnnxRuntimeBackend(path)
    if path.suffix in (".safetensors", ".pth", ".pt"):
        from runtime.eager import EagerBackend

        return EagerBackend(path)
    raise CoconetError(
        path,
        wanted="a model that ends in .onnx, .safetensors, .pth or .pt",
        got=path.suffix or "no ending",
        remedy="Export the model with coconet export.",
    )
