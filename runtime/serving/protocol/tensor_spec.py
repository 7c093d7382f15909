"""What a served model takes and gives, as model servers say it: names, types and shapes, from its card."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from coconet.cards.model_card import FUSED, INFRARED, VISIBLE, WARP, ModelCard

DataType = Literal["UINT8", "FP32"]
"""As the Open Inference Protocol writes them."""

ANY = -1
"""A side of any length, in a shape."""


@dataclass(frozen=True)
class TensorSpec:
    """A tensor of a model. shape: with its batch; ANY stands for a side of any length."""

    name: str
    data_type: DataType
    shape: tuple[int, ...]

    def takes(self, shape: tuple[int, ...]) -> bool:
        """Whether a tensor of this shape fits; a side of no pixels never does."""
        alike = len(shape) == len(self.shape) and min(shape) > 0
        return alike and all(side in (ANY, given) for side, given in zip(self.shape, shape, strict=True))


@dataclass(frozen=True)
class ModelSpec:
    """All tensors of a model, in the order in which they are told."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]


def spec_of(card: ModelCard) -> ModelSpec:
    """What the graph of a card takes and gives; the shapes are those of the file, also their batch."""
    size = (card.height_px or ANY, card.width_px or ANY)
    if card.form == "bare":
        planes = [TensorSpec(name, "FP32", (card.batch, 1, *size)) for name in (VISIBLE, INFRARED, FUSED)]
        return ModelSpec((planes[0], planes[1]), (planes[2],))
    thermal = (ANY, ANY) if card.form == "warped" else size
    inputs = [
        TensorSpec(VISIBLE, "UINT8", (card.batch, *size, card.visible_channels)),
        TensorSpec(INFRARED, "UINT8", (card.batch, *thermal, 1)),
    ]
    if card.form == "warped":
        inputs.append(TensorSpec(WARP, "FP32", (card.batch, *size, 2)))
    return ModelSpec(tuple(inputs), (TensorSpec(FUSED, "UINT8", (card.batch, *size, card.visible_channels)),))
