"""What comes with the package and fuses: every word, with what its own file says about it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass

from rich.table import Table

from coconet.cards.onnx_metadata import read_onnx_card
from coconet.cards.precision import PRECISIONS, REFERENCE
from coconet.errors import counted
from coconet.model_endings import ONNX_SUFFIX
from coconet.model_names import DEFAULT_MODEL, MODELS, RULES, Rule, shipped_checkpoint, shipped_model
from coconet.terminal.console import Console

_NETWORKS: Mapping[str, str] = {
    "lite": "small network, 1.4 GMAC at 640x480",
    "coconet": "full network, 144 GMAC at 640x480",
}
"""What they are; the operations are those of the model cards, coconet/weights/*.md."""

_RULES: Mapping[Rule, str] = {
    "average": "the mean of both pictures",
    "maximum": "the brighter of both, pixel by pixel",
    "pyramid": "of every detail the stronger one",
    "guided-filter": "fine and coarse weighed by what stands out, along edges",
    "two-scale": "fine and coarse weighed by what stands out",
    "gradient-transfer": "visible edges on infrared brightness; slow",
}


@dataclass(frozen=True)
class ShippedModel:
    """A word with what it stands for: precision in words, empty of a rule; size in bytes, of all its files, 0 of one.

    measured: on what its INT8 ranges were measured, as its card says; empty of others.
    """

    word: str
    about: str
    precision: str = ""
    bytes: int = 0
    measured: str = ""


def shipped_models() -> list[ShippedModel]:
    """Every word that runs, in the order of the help. Raises CoconetError for a package that lacks a file."""
    rules = [ShippedModel(rule, f"no network: {_RULES[rule]}") for rule in RULES]
    return [*map(_model, MODELS), *rules]


def _model(word: str) -> ShippedModel:
    path = shipped_model(word)
    size = path.stat().st_size
    if path.suffix != ONNX_SUFFIX:  # weights, which PyTorch runs as they are
        about = f"{_NETWORKS[word]}; needs PyTorch"
        return ShippedModel(word, about, PRECISIONS[REFERENCE].name.upper(), size)
    card = read_onnx_card(path)
    if card.network != DEFAULT_MODEL:  # a graph that points into the checkpoint beside it
        size += shipped_checkpoint(card.network).stat().st_size
    about = _NETWORKS[card.network] + ("; the default" if word == DEFAULT_MODEL else "")
    precision, measured = card.precision.upper(), ""
    if card.calibration is not None:
        precision += " in FP16" if "fp16" in word else " in FP32"
        measured = f"ranges of {counted(card.calibration.frames, 'frame')}, {card.calibration.method}"
    return ShippedModel(word, about, precision, size, measured)


def print_shipped_models() -> None:
    """Print the words as a table, a line each if nobody watches a terminal."""
    table = Table("word", "precision", "size", "what it is", box=None, pad_edge=False, header_style="dim")
    for one in shipped_models():
        size = f"{one.bytes / 1e6:.1f} MB" if one.bytes else ""
        table.add_row(one.word, one.precision, size, "; ".join(filter(None, (one.about, one.measured))))
    console = Console(width=None if sys.stdout.isatty() else 160, soft_wrap=True)
    console.print(table)
    console.print(
        "Any .onnx, .engine or checkpoint of yours runs too. coconet bench pick measures them on this machine."
    )
