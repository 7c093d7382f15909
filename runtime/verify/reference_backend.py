"""Models opened to be compared, not to be fast: as written where that matters, and fusing a frame once only."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np

from coconet.cards.model_card import ModelCard
from coconet.cards.onnx_metadata import read_onnx_card
from coconet.cards.precision import PRECISIONS
from coconet.errors import CoconetError
from coconet.media.pixels import Pixels, add_to
from coconet.model_endings import ONNX_SUFFIX
from coconet.model_names import model_path
from coconet.runtime.backends.backend import Backend
from coconet.runtime.backends.open_backend import open_backend
from coconet.runtime.frame_check import size_in_words
from coconet.writing.scratch import ScratchFolder


def open_to_compare(model: Path | str) -> Backend:
    """Open what `open_backend` opens; an INT8 model in ONNX runs node by node as written.

    Optimised for this processor, it would be judged by the rounding and saturation of the processor's integer
    kernels, which no GPU shares. Raises CoconetError as `open_backend` does.
    """
    path = model_path(model)
    if path.suffix != ONNX_SUFFIX or not path.is_file() or not PRECISIONS[read_onnx_card(path).precision].calibrated:
        return open_backend(model)
    from coconet.runtime.backends.ort_cpu import OnnxRuntimeBackend

    return OnnxRuntimeBackend(path, optimise=False)


class CachingBackend:
    """A Backend that fuses a pair of frames once and then answers from a file: a reference of many comparisons.

    The files lie in a folder of their own until `close`, one per pair, as large as the fused picture.
    """

    def __init__(self, backend: Backend) -> None:
        """Take a backend over: `close` closes it."""
        self.card, self.name = backend.card, backend.name
        self._backend = backend
        self._folder = ScratchFolder()

    def fuse(self, visible: Pixels, infrared: Pixels) -> Pixels:
        """Fuse as the backend does, with its errors. Frames are the same if all of their samples are."""
        digest = hashlib.sha256()
        for pixels in (visible, infrared):
            add_to(digest, pixels)
        kept = Path(self._folder.name) / f"{digest.hexdigest()}.npy"
        if not kept.exists():
            np.save(kept, self._backend.fuse(visible, infrared))
        fused: Pixels = np.load(kept)
        return fused

    def close(self) -> None:
        """Close the backend and remove the files; a second call does nothing."""
        self._backend.close()
        self._folder.cleanup()


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
                says=f"differs: A takes {_size(reference)} and B {_size(candidate)}",
            )
    height, width = (mine or other for mine, other in zip(*sizes, strict=True))
    channels = min(reference.visible_channels, candidate.visible_channels)
    return replace(reference, visible_channels=channels, height_px=height, width_px=width)


def _size(card: ModelCard) -> str:
    if card.height_px is None or card.width_px is None:
        return f"{card.height_px or 'any'}x{card.width_px or 'any'} (height x width)"
    return size_in_words(card.height_px, card.width_px)
