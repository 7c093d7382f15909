"""The configuration of a model for Triton: the fields of its ModelConfig, and their text as `config.pbtxt`.

Source: model_config.proto of Triton Inference Server, and the text format of protocol buffers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from coconet.cards.model_card import CARD_KEY, ModelCard
from coconet.errors import CoconetError
from coconet.runtime.serving.protocol.tensor_spec import ANY, TensorSpec, spec_of

Kind = Literal["onnx", "engine"]
"""Of the file that is served: an ONNX model, or a TensorRT engine."""

Processor = Literal["auto", "cpu", "gpu"]
"""Where instances of a model run; auto leaves it to the server."""

MODEL_FILES: Mapping[Kind, str] = {"onnx": "model.onnx", "engine": "model.plan"}
"""The names under which Triton looks for a model in the folder of its version."""

_BACKENDS: Mapping[Kind, tuple[str, str]] = {
    "onnx": ("onnxruntime", "onnxruntime_onnx"),
    "engine": ("tensorrt", "tensorrt_plan"),
}


CODINGS_KEY = "coconet_edge.pictures"
"""The parameter in which a server says as what pictures may travel, beside as they are."""


class Word(str):
    """A text that stands bare in a protocol buffer's text format: the name of an enumeration's value."""

    __slots__ = ()


class Table(dict[str, Any]):
    """A map of a protocol buffer, whose keys are data and not names of fields."""


@dataclass(frozen=True)
class Instances:
    """How many copies of a model a server holds on each processor, and on which kind of processor."""

    count: int = 1
    processor: Processor = "auto"


USUAL_PX = (480, 640)
"""Height and width of the warm-up of a model that takes any size."""


def model_config(
    name: str, card: ModelCard, kind: Kind, instances: Instances, warm_up_px: tuple[int, int] = USUAL_PX
) -> dict[str, Any]:
    """The fields of a model's ModelConfig; as JSON they are what Triton answers when it is asked for it.

    warm_up_px: height and width of the pair that every instance fuses before it is ready.
    The batch is in the shapes, since the graphs have a fixed one: max_batch_size is 0. The card travels along as a
    parameter, so that a client knows what the model expects.
    """
    spec, size_px = spec_of(card), card.size_within(*warm_up_px)
    backend, platform = _BACKENDS[kind]
    where = {"auto": "KIND_AUTO", "cpu": "KIND_CPU", "gpu": "KIND_GPU"}[instances.processor]
    return {
        "name": name,
        "platform": platform,
        "backend": backend,
        "default_model_filename": MODEL_FILES[kind],
        "max_batch_size": 0,
        "version_policy": {"latest": {"num_versions": 1}},
        "input": [_tensor(tensor) for tensor in spec.inputs],
        "output": [_tensor(tensor) for tensor in spec.outputs],
        "instance_group": [{"count": instances.count, "kind": Word(where)}],
        "model_warmup": [
            {
                "name": "a black pair",
                "batch_size": 1,  # which is in the shapes as well
                "inputs": Table({tensor.name: _black(tensor, size_px) for tensor in spec.inputs}),
            }
        ],
        "parameters": Table({CARD_KEY: {"string_value": card.to_json()}}),
    }


def _tensor(tensor: TensorSpec) -> dict[str, Any]:
    return {"name": tensor.name, "data_type": Word(f"TYPE_{tensor.data_type}"), "dims": list(tensor.shape)}


def _black(tensor: TensorSpec, size_px: tuple[int, int]) -> dict[str, Any]:
    """Zeros, of this size for every side that may have any length."""
    sides = iter(size_px if tensor.shape.count(ANY) == 2 else size_px[tensor.shape[1] != ANY :])
    dims = [next(sides) if side < 1 else side for side in tensor.shape]
    return {"data_type": Word(f"TYPE_{tensor.data_type}"), "dims": dims, "zero_data": True}


def card_of_config(config: Mapping[str, Any], where: object) -> ModelCard | None:
    """The card in a configuration that a server told as JSON; None if it has none of ours.

    Raises CoconetError for one that is damaged.
    """
    try:
        told = config["parameters"][CARD_KEY]["string_value"]
    except (KeyError, TypeError):
        return None
    if not isinstance(told, str):
        raise CoconetError(
            where,
            wanted="a model card as text",
            got="something else",
            remedy="Write the model repository again.",
            says="has no model card that is text",
        )
    return ModelCard.from_json(told, where)


def codings_of_config(config: Mapping[str, Any]) -> tuple[str, ...]:
    """As what pictures may travel to and from a server that told this configuration, beside as they are."""
    try:
        return tuple(str(config["parameters"][CODINGS_KEY]["string_value"]).split())
    except (KeyError, TypeError):
        return ()


def to_pbtxt(config: Mapping[str, Any]) -> str:
    """Write fields in the text format of protocol buffers, one a line."""
    return "\n".join(_lines(config, "")) + "\n"


def _lines(fields: Mapping[str, Any], margin: str) -> Iterator[str]:
    for name, value in fields.items():
        if isinstance(value, Table):
            for key, inner in value.items():
                yield from _block(name, {"key": key, "value": inner}, margin)
        elif isinstance(value, Mapping):
            yield from _block(name, value, margin)
        elif isinstance(value, Sequence) and not isinstance(value, str) and value and isinstance(value[0], Mapping):
            for inner in value:
                yield from _block(name, inner, margin)
        elif isinstance(value, Sequence) and not isinstance(value, str):
            yield f"{margin}{name}: [{', '.join(map(_scalar, value))}]"
        else:
            yield f"{margin}{name}: {_scalar(value)}"


def _block(name: str, fields: Mapping[str, Any], margin: str) -> Iterator[str]:
    yield f"{margin}{name} {{"
    yield from _lines(fields, f"{margin}  ")
    yield f"{margin}}}"


def _scalar(value: object) -> str:
    if isinstance(value, Word):
        return str(value)
    if isinstance(value, str):
        return '"{}"'.format(value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n"))
    return json.dumps(value)  # numbers and truth values are written alike
