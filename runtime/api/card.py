"""The card of any model: of a file, or of a word."""

from __future__ import annotations

from pathlib import Path

from coconet.cards.engine_card import EngineCard
from coconet.cards.engine_card import read_engine_card as read_engine_card_beside
from coconet.cards.model_card import ModelCard
from coconet.cards.onnx_metadata import read_onnx_card
from coconet.errors import ExitCode, ending_with
from coconet.model_endings import CHECKPOINT_SUFFIXES, ENGINE_SUFFIX
from coconet.model_names import RULES
from coconet.runtime.arguments import check_path
from coconet.runtime.backends.choice import WORD_OR_FILE, model_file
from coconet.runtime.backends.rules.baseline import rule_card


def read_card(model: Path | str) -> ModelCard:
    """Read what a model is and expects, without getting it ready to run.

    model: a file or a word, as `coconet.load` takes it. An .engine gives the card of the model it was built from; how
    and for which GPUs it was built says `coconet.read_engine_card`.
    Raises CoconetError for a file that is missing, corrupt or not ours, MissingPackage if reading it needs a
    package that is not installed (PyTorch for checkpoints).
    """
    check_path("model", model, WORD_OR_FILE)
    word = str(model)
    for rule in RULES:
        if word == rule:
            return rule_card(rule)
    with ending_with(ExitCode.MODEL):
        return _card_of_file(model_file(word))


def read_engine_card(engine: Path | str) -> EngineCard:
    """Read how an .engine was built, by which TensorRT and for which GPUs, from the card beside it.

    Raises CoconetError for an engine that is missing, and for a card that is missing, corrupt or of another engine.
    """
    check_path("engine", engine, "Name an .engine file.")
    with ending_with(ExitCode.MODEL):
        return read_engine_card_beside(Path(engine))


def _card_of_file(path: Path) -> ModelCard:
    if path.suffix == ENGINE_SUFFIX:
        return read_engine_card_beside(path).model
    if path.suffix in CHECKPOINT_SUFFIXES:
        from coconet.runtime.backends.pytorch import read_checkpoint_card

        return read_checkpoint_card(path)
    return read_onnx_card(path)
