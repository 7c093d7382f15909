"""The one word among those that name cameras that names a model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from coconet.errors import Refused
from coconet.model_endings import MODEL_SUFFIXES
from coconet.model_names import MODEL_WORDS


def without_model(words: Sequence[str], model: str | None) -> tuple[list[str], str | None]:
    """The words that name cameras, and the model: the one word among them that names one, or what the option says.

    model: of the option; None if it was not given.

    Raises Refused for several of these that are not alike.
    """
    models = [word for word in words if _names_model(word)]
    named = dict.fromkeys([*models, *([] if model is None else [model])])
    if len(named) > 1:
        remedy, got = "Name one; coconet contact and coconet verify compare several.", " and ".join(named)
        raise Refused("model", wanted="one", got=got, remedy=remedy, says=f"is named more than once: {got}")
    return [word for word in words if word not in models], models[0] if models else model


def _names_model(word: str) -> bool:
    if word in MODEL_WORDS and not Path(word).exists():
        return True
    return "://" not in word and Path(word).suffix in MODEL_SUFFIXES
