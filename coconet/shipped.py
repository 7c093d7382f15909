"""The models that come with the package, and where they lie."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from coconet.errors import CoconetError
from coconet.signature import Precision

SUFFIXES: dict[Precision, str] = {"fp32": ".onnx", "int8": ".int8.onnx"}


def shipped_model(network: str = "lite", precision: Precision = "fp32") -> Path:
    """Find the camera-ready ONNX model of a shipped network. Raises CoconetError where this package holds none."""
    suffix = SUFFIXES.get(precision)
    if suffix is None:
        raise CoconetError(
            f"shipped network {network}",
            wanted=f"one of the precisions {', '.join(SUFFIXES)}",
            got=precision,
            remedy="Export the model yourself with coconet export.",
        )
    return _shipped(network + suffix)


def shipped_checkpoint(network: str = "lite") -> Path:
    """Find the weights of a shipped network, to train on or to export. Raises CoconetError where there are none."""
    return _shipped(f"{network}.safetensors")


def _shipped(name: str) -> Path:
    path = Path(str(files("coconet"))) / "weights" / name
    if not path.is_file():
        raise CoconetError(
            path,
            wanted="a model that is part of the package",
            got="no such file",
            remedy="Install coconet-edge again, or name a model of your own.",
        )
    return path
