"""Model names: the words that shipped models go by, and the shortest labels that tell models apart."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args

from coconet.errors import CoconetError, nearest
from coconet.model_endings import ONNX_SUFFIX
from coconet.redaction import redact

_WEIGHTS = Path(__file__).parent / "weights"

DEFAULT_MODEL = "lite"
"""The word for what runs, is measured and is trained when nothing else is asked for."""

MODELS = {
    "lite": "lite.onnx",
    "lite-fp16": "lite.fp16.onnx",
    "lite-int8": "lite.int8.onnx",
    "lite-int8-fp16": "lite.fp16.int8.onnx",
    "coconet": "coconet.safetensors",
    "coconet-fp16": "coconet.fp16.onnx",
}
"""Word to what runs. The FP16 graph of the full network points into its checkpoint; in FP32 it runs in PyTorch."""

ONNX_WORDS = tuple(word for word, file in MODELS.items() if file.endswith(ONNX_SUFFIX))
"""The words of models that engines are built from."""

CHECKPOINTS = {"lite": "lite.safetensors", "coconet": "coconet.safetensors"}
"""Word to weights, to train on or to export."""

Rule = Literal["average", "maximum", "pyramid", "guided-filter", "two-scale", "gradient-transfer"]

RULES: tuple[Rule, ...] = get_args(Rule)
"""The words of what fuses without a network; see runtime/backends/rules/baseline.py."""

MODEL_WORDS = (*MODELS, *RULES)
"""Every word that runs."""


def shipped_model(word: str = DEFAULT_MODEL) -> Path:
    """Find a model that can be run. Raises CoconetError for an unknown word and for a package without the file."""
    return _shipped(word, MODELS)


def model_path(model: Path | str) -> Path:
    """The path of a model given as a file, or, for the word of a shipped model, that of its file."""
    return shipped_model(str(model)) if str(model) in MODELS else Path(model)


def shipped_checkpoint(word: str = DEFAULT_MODEL) -> Path:
    """Find the weights of a network. Raises CoconetError for an unknown word and for a package without the file."""
    return _shipped(word, CHECKPOINTS)


def checkpoint_path(network: Path | str) -> Path:
    """The path of weights given as a file, or, for the word of a shipped network, that of its file."""
    return shipped_checkpoint(str(network)) if str(network) in CHECKPOINTS else Path(network)


SHOWN_BESIDE = 4
"""Files that are named in a remedy."""


def name_beside(path: Path, endings: Sequence[str]) -> str:
    """The remedy for a file of these endings that is not there: it names those that lie in its folder."""
    try:
        names = sorted(one.name for one in path.parent.iterdir() if one.suffix in endings)
    except OSError:
        names = []
    if not names:
        return "Check the path."
    more = f" and {len(names) - SHOWN_BESIDE} more" if len(names) > SHOWN_BESIDE else ""
    return f"Check the path. In {path.parent} there are {', '.join(names[:SHOWN_BESIDE])}{more}."


def _shipped(word: str, known: dict[str, str]) -> Path:
    if word not in known:
        remedy = f"{nearest(word, known)}Use one of them."
        raise CoconetError(
            "shipped model",
            wanted=f"one of {', '.join(known)}",
            got=word,
            remedy=remedy,
            says=f"{word} does not exist; there are {', '.join(known)}",
        )
    path = _WEIGHTS / known[word]
    if not path.is_file():
        raise CoconetError(
            path,
            wanted="a model that is part of the package",
            got="no such file",
            remedy="Install coconet-edge again, or name a model of your own.",
            says="is part of the package, but does not exist",
        )
    return path


def model_labels(models: Sequence[str]) -> list[str]:
    """The file names, with as many of the folders above as it takes to keep unlike models apart; in their order."""
    paths = [Path(model).parts for model in models]
    for depth in range(1, max(map(len, paths), default=0)):
        labels = ["/".join(parts[-depth:]) for parts in paths]
        if len(set(labels)) == len(set(paths)):
            return _redacted_labels(labels)
    return _redacted_labels([str(Path(model)) for model in models])


def _redacted_labels(labels: Sequence[str]) -> list[str]:
    """Labels fit to be shown: an address in place of a file, with a password in it, becomes a number."""
    return [label if redact(label) == label else f"model {number}" for number, label in enumerate(labels, 1)]
