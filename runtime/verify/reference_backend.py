"""A contender: a model opened to be compared with another one, not to be fast."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from coconet.cards.model_card import ModelCard
from coconet.cards.precision import PRECISIONS
from coconet.errors import CoconetError
from coconet.model_names import model_path
from coconet.runtime.backends.backend import Backend
from coconet.runtime.backends.open_backend import open_backend
from coconet.runtime.frame_check import size_in_words


def open_contender(model: Path | str) -> Backend:
    """Open what `open_backend` opens; an INT8 model in ONNX runs node by node as written.

    Optimised for this processor, it would be judged by the rounding and saturation of the processor's integer
    kernels, which no GPU shares. Raises CoconetError as `open_backend` does.
    """
    backend = open_backend(model)
    path = model_path(model)
    if not PRECISIONS[backend.card.precision].calibrated or path.suffix != ".onnx":
        return backend
    backend.close()
    from coconet.runtime.backends.ort_cpu import OnnxRuntimeBackend

    return OnnxRuntimeBackend(path, optimise=False)


def common_card(reference: ModelCard, candidate: ModelCard) -> ModelCard:
    """The card whose frames both models take: gray if one of them wants gray, of the size that either is fixed to.

    Raises CoconetError for two fixed sizes that differ.
    """
    sizes = [(card.height_px, card.width_px) for card in (reference, candidate)]
    for mine, other in zip(*sizes, strict=True):
        if mine is not None and other is not None and mine != other:
            raise CoconetError(
                "frame size",
                wanted="two models for frames of one size, or one that takes any",
                got=f"{_size(reference)} for A and {_size(candidate)} for B",
                remedy="Export one of the two again, for the other's size.",
            )
    height, width = (mine or other for mine, other in zip(*sizes, strict=True))
    channels = min(reference.visible_channels, candidate.visible_channels)
    return replace(reference, visible_channels=channels, height_px=height, width_px=width)


def _size(card: ModelCard) -> str:
    if card.height_px is None or card.width_px is None:
        return f"{card.height_px or 'any'}x{card.width_px or 'any'} (height x width)"
    return size_in_words(card.height_px, card.width_px)
