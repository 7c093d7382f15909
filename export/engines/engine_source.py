"""The ONNX model an engine is built from: its card, its hash, and a look for what TensorRT would misread in silence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from coconet.cards.model_card import ModelCard
from coconet.cards.onnx_card import read_onnx
from coconet.errors import CoconetError, MissingPackage
from coconet.model_endings import CHECKPOINT_SUFFIXES
from coconet.model_names import ONNX_WORDS

try:
    import onnx
    from onnx import TensorProto, helper, numpy_helper
except ImportError as error:
    raise MissingPackage("onnx", job="building engines", extra="calibration") from error


@dataclass(frozen=True)
class EngineSource:
    """An ONNX file that coconet export wrote and that TensorRT will read as ONNX means it, read from disk once.

    sha256: of content, the bytes of the file, which are what TensorRT is given.
    """

    path: Path
    card: ModelCard
    sha256: str
    content: bytes = field(repr=False)


def read_engine_source(path: Path) -> EngineSource:
    """Read and check an ONNX file. Raises CoconetError if it is not ours or TensorRT would compute something else.

    TensorRT quantises to signed 8 bits around zero and takes UINT8 zero points for INT8 ones without a word.
    """
    if path.suffix in CHECKPOINT_SUFFIXES:
        raise CoconetError(
            path,
            wanted="an ONNX model",
            got="a checkpoint",
            remedy=f"Export it with coconet export, or build one of the words {', '.join(ONNX_WORDS)}.",
            says="is a checkpoint; expected an ONNX model",
        )
    file = read_onnx(path)
    _refuse_misread_quantisation(path, file.model.graph)
    return EngineSource(path, file.card, file.sha256, file.content)


def _refuse_misread_quantisation(path: Path, graph: onnx.GraphProto) -> None:
    constants = {tensor.name: tensor for part in _graphs(graph) for tensor in _constants(part)}
    for node in (node for part in _graphs(graph) for node in part.node):
        if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
            misread = _misread(node, constants)
            if misread is not None:
                raise CoconetError(
                    f"{path}, node {node.name or node.output[0]}",
                    wanted="quantisation to INT8 with a constant zero point of 0",
                    got=misread,
                    remedy="Quantise the model with coconet calibrate.",
                    says=f"has {misread}, which TensorRT would take for signed INT8 around 0",
                )


def _misread(node: onnx.NodeProto, constants: dict[str, onnx.TensorProto]) -> str | None:
    """Say what TensorRT would misread in a Q or DQ node; ONNX quantises to UINT8 where nothing says otherwise."""
    if len(node.input) > 2 and node.input[2]:
        zero_point = constants.get(node.input[2])
        if zero_point is None:
            return "a zero point that the graph computes"
        if zero_point.data_type == TensorProto.UINT8:
            return "a zero point of type UINT8"
        return "a zero point other than 0" if numpy_helper.to_array(zero_point).any() else None
    if node.op_type == "QuantizeLinear":
        told = helper.get_node_attr_value(node, "output_dtype") if _has(node, "output_dtype") else TensorProto.UINT8
        return "quantisation to UINT8" if told in (TensorProto.UNDEFINED, TensorProto.UINT8) else None
    weights = constants.get(node.input[0])
    return "weights of type UINT8" if weights is not None and weights.data_type == TensorProto.UINT8 else None


def _graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """Give the graph and those inside its If and Loop nodes."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                yield from _graphs(attribute.g)


def _constants(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    """Give initializers, and the values of Constant nodes under the names of their outputs."""
    yield from graph.initializer
    for node in graph.node:
        if node.op_type == "Constant" and _has(node, "value"):
            tensor = onnx.TensorProto()
            tensor.CopyFrom(helper.get_node_attr_value(node, "value"))
            tensor.name = node.output[0]
            yield tensor


def _has(node: onnx.NodeProto, attribute: str) -> bool:
    return any(entry.name == attribute for entry in node.attribute)
