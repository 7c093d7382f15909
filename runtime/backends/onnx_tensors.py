"""The tensors of an ONNX graph: held against its card, and filled for a pair; whichever library runs it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from coconet.cards.model_card import FUSED, INFRARED, VISIBLE, WARP, ModelCard
from coconet.errors import CoconetError
from coconet.media.pixels import Pixels
from coconet.networks.scene import Scene
from coconet.runtime.backends.onnx_failure import EXPORT
from coconet.runtime.backends.tiles.graph import INPUTS
from coconet.runtime.preprocess.warp_table import WarpTable


class TensorFact(NamedTuple):
    """A tensor of a graph, its type as ONNX Runtime writes it; text or None in the shape is any size."""

    name: str
    type: str
    shape: list[int | str | None]


def check_tensors(
    path: Path, card: ModelCard, inputs: list[TensorFact], outputs: list[TensorFact], batch: int = 1
) -> None:
    """Refuse a model whose tensors have other names, types or shapes than its card says, or another batch."""
    found = (sorted(tensor.name for tensor in inputs), [tensor.name for tensor in outputs])
    depths = card.input_depths
    if found != (sorted(depths), [FUSED]):
        names = [", ".join(tensor.name for tensor in side) or "none" for side in (inputs, outputs)]
        raise CoconetError(
            path,
            wanted=f"an ONNX model with the inputs {' and '.join(depths)} and the output {FUSED}",
            got="inputs {} and outputs {}".format(*names),
            remedy=EXPORT,
            says="has the inputs {} and the outputs {}; expected {} and {}".format(*names, " and ".join(depths), FUSED),
        )
    size = (card.height_px, card.width_px)
    layouts = {name: (*size, depth) for name, depth in {**depths, FUSED: card.visible_channels}.items()}
    if card.form == "warped":
        layouts[INFRARED] = (None, None, 1)
    for tensor in (*inputs, *outputs):
        wanted, kind = layouts[tensor.name], "tensor(float)" if tensor.name == WARP else "tensor(uint8)"
        if tensor.type != kind or not _fits(tensor.shape, (batch, *wanted), exact=tensor.name != FUSED):
            raise CoconetError(
                f"{path}, {tensor.name}",
                wanted=f"{kind} of shape {_in_words((batch, *wanted))}, as the model card says",
                got=f"{tensor.type} of shape {_in_words(tensor.shape)}",
                remedy=EXPORT,
                says=f"is {tensor.type} of shape {_in_words(tensor.shape)}, but its model card says {kind} of shape "
                f"{_in_words((batch, *wanted))}",
            )


def _fits(shape: list[int | str | None], wanted: tuple[int | None, ...], exact: bool) -> bool:
    """Compare a graph's shape, where text or None is any size; of an output the graph may not know its size."""
    if len(shape) != 4 or (isinstance(shape[0], int) and shape[0] != wanted[0]):
        return False
    known = [side if isinstance(side, int) else None for side in shape[1:]]
    return all(got == want or (got is None and not exact) for got, want in zip(known, wanted[1:], strict=True))


def _in_words(shape: Sequence[int | str | None]) -> str:
    return "(" + ", ".join(str(side) if isinstance(side, int) else "any" for side in shape) + ")"


def input_feed(
    card: ModelCard, warp: WarpTable, visible: Pixels, infrared: Pixels, where: object
) -> dict[str, NDArray[Any]]:
    """What a model takes for a pair, by input, each with its batch of one: pictures and, if it warps, the table."""
    feed: dict[str, NDArray[Any]] = {VISIBLE: visible[None], INFRARED: infrared[None]}
    return feed | {WARP: warp.table_for(visible, infrared, where)} if card.form == "warped" else feed


def held_scene(scene: Scene) -> dict[str, NDArray[Any]]:
    """What a graph for parts takes beside a pair."""
    held = (np.array(numbers, np.float32) for numbers in scene)
    return {name: numbers.reshape(1, -1, 1, 1) for name, numbers in zip(INPUTS, held, strict=True)}


def without_scene(tensors: list[TensorFact]) -> list[TensorFact]:
    """The inputs that the card says."""
    return [tensor for tensor in tensors if tensor.name not in INPUTS]
