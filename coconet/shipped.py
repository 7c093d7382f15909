"""The models that come with the package, each under a word that commands take in place of a path."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from coconet.errors import CoconetError

MODELS = {"lite": "lite.onnx", "lite-int8": "lite.int8.onnx", "coconet": "coconet.safetensors"}
"""Word to what runs: the full network is too large to come as an ONNX file too, so it runs in PyTorch."""

CHECKPOINTS = {"lite": "lite.safetensors", "coconet": "coconet.safetensors"}
"""Word to weights, to train on or to export."""


def shipped_model(word: str = "lite") -> Path:
    """Find a model that can be run. Raises CoconetError for an unknown word and for a package without the file."""
    return _shipped(word, MODELS)


def model_path(model: Path | str) -> Path:
    """Give the path that a command was told, or that of the shipped model whose word it was told."""
    return shipped_model(str(model)) if str(model) in MODELS else Path(model)


def shipped_checkpoint(word: str = "lite") -> Path:
    """Find the weights of a network. Raises CoconetError for an unknown word and for a package without the file."""
    return _shipped(word, CHECKPOINTS)


def _shipped(word: str, known: dict[str, str]) -> Path:
    if word not in known:
        raise CoconetError("shipped model", wanted=f"one of {', '.join(known)}", got=word, remedy="Use one of them.")
    path = Path(str(files("coconet"))) / "weights" / known[word]
    if not path.is_file():
        raise CoconetError(
            path,
            wanted="a model that is part of the package",
            got="no such file",
            remedy="Install coconet-edge again, or name a model of your own.",
        )
    return path
