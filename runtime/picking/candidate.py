"""Candidates: the ways in which a model may be run on this machine's processor, its reference first."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from coconet.cards.model_card import ModelCard
from coconet.cards.onnx_metadata import read_onnx_card
from coconet.cards.precision import REFERENCE
from coconet.errors import CoconetError
from coconet.installation.processor import has_bf16
from coconet.model_endings import ONNX_SUFFIX
from coconet.model_names import model_path
from coconet.runtime.backends.backend import Backend
from coconet.runtime.backends.choice import BackendChoice
from coconet.runtime.backends.open_backend import open_choice

FAMILIES = {"lite": ("lite", "lite-int8"), "coconet": ("coconet", "coconet-fp16")}
"""The words that name a network in whichever precision: what ships of it, its reference first.

FP16 is left out where FP32 comes as ONNX too: processors compute both alike.
"""

CandidateKind = Literal["ort", "openvino", "openvino-bf16", "torch"]
"""What runs it; openvino-bf16 is OpenVINO with its arithmetic in BF16, which is no candidate for a model in FP32.

On real frames `lite` in FP32 goes beyond the limits of FP32 in BF16 on four of five sets (docs/precision.md): a pair
that it keeps them on says nothing of the next scene.
"""

_NAMES: dict[CandidateKind, str] = {
    "ort": "ONNX Runtime",
    "openvino": "OpenVINO",
    "openvino-bf16": "OpenVINO in BF16",
    "torch": "PyTorch",
}


@dataclass(frozen=True)
class Candidate:
    """A model file and what runs it."""

    path: Path
    kind: CandidateKind

    def __str__(self) -> str:
        return f"{self.path.name} by {_NAMES[self.kind]}"

    def open(self, depth: int = 1) -> Backend:
        """Load the model; depth: how many pairs may be under way at once, if what runs it can.

        Raises CoconetError as `open_choice` does.
        """
        if self.kind in ("openvino", "openvino-bf16"):
            from coconet.runtime.backends.openvino.backend import OpenVinoBackend

            return OpenVinoBackend(self.path, arithmetic="bf16" if self.kind == "openvino-bf16" else "f32", depth=depth)
        return open_choice(BackendChoice("torch" if self.kind == "torch" else "ort", self.path, "tried"))


def candidates_of(model: Path | str) -> list[Candidate]:
    """List what is installed that runs a model, given as a file or as a word; the reference of the others is first.

    A file is run as it is; the words of FAMILIES stand for the network, in every precision that ships.
    """
    paths = [model_path(word) for word in FAMILIES.get(str(model), (str(model),))]
    return [Candidate(path, kind) for path in paths for kind in _kinds(path)]


def card_of(candidates: list[Candidate]) -> ModelCard:
    """What the frames have to be like: the card of the first ONNX model, which is read without loading the model."""
    for candidate in candidates:
        if candidate.path.suffix == ONNX_SUFFIX:
            return read_onnx_card(candidate.path)
    from coconet.runtime.backends.pytorch import read_checkpoint_card

    return read_checkpoint_card(candidates[0].path)


def _kinds(path: Path) -> list[CandidateKind]:
    if path.suffix != ONNX_SUFFIX:
        return ["torch"] if find_spec("torch") and find_spec("safetensors") else []
    kinds: list[CandidateKind] = ["ort"] if find_spec("onnxruntime") else []
    if find_spec("openvino"):
        kinds += ["openvino", "openvino-bf16"] if has_bf16() and _is_below_reference(path) else ["openvino"]
    return kinds


def _is_below_reference(path: Path) -> bool:
    """Whether the numbers of a model have fewer bits than the reference's, and its limits room for BF16."""
    with suppress(CoconetError):  # opening the model says what is wrong with it
        return read_onnx_card(path).precision != REFERENCE
    return False
