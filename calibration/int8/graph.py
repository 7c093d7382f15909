"""A camera-ready ONNX file in memory: read with its card, asked about its graph, changed, written checked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coconet.cards.model_card import ModelCard
from coconet.cards.onnx_card import OnnxFile, attach_card, read_onnx
from coconet.errors import CoconetError, MissingPackage

try:
    import onnx
    from onnx import helper, numpy_helper
except ImportError as error:
    raise MissingPackage("onnx", job="calibration", extra="calibration") from error


Node = onnx.NodeProto


@dataclass
class OnnxModel:
    """A model file's content, its card, and the hash of the file it came from."""

    proto: onnx.ModelProto
    card: ModelCard
    sha256: str

    @classmethod
    def read(cls, path: Path) -> OnnxModel:
        """Read a camera-ready file of coconet export. Raises CoconetError for anything else."""
        return cls.of(read_onnx(path))

    @classmethod
    def of(cls, file: OnnxFile) -> OnnxModel:
        """Take a file that was read. Raises CoconetError unless it takes one pair from cameras."""
        card = file.card
        if (card.form, card.batch) != ("camera", 1):
            raise CoconetError(
                file.path,
                wanted="a camera-ready model that takes one pair at a time",
                got=f"a {card.form} one of batch {card.batch}",
                remedy="Calibrate the model that --with-warp was given, and give the result the warp."
                if card.form == "warped"
                else "Export the network again without --bare and --batch.",
                says=f"is a {card.form} model of batch {card.batch}; calibration takes one camera pair at a time",
            )
        return cls(file.model, card, file.sha256)

    def write(self, path: Path) -> None:
        """Write the model with its card after ONNX's full check."""
        attach_card(self.proto, self.card)
        onnx.checker.check_model(self.proto, full_check=True)
        onnx.save(self.proto, path)

    @property
    def nodes(self) -> list[Node]:
        """The nodes in an order in which they can run."""
        return list(self.proto.graph.node)

    @property
    def opset(self) -> int:
        """The version of ONNX's own operator set."""
        return int(next(entry.version for entry in self.proto.opset_import if entry.domain in ("", "ai.onnx")))

    @cached_property
    def producers(self) -> dict[str, Node]:
        """Tensor name to the node that makes it, as the file was read."""
        return {name: node for node in self.proto.graph.node for name in node.output}

    @cached_property
    def _initializers(self) -> dict[str, onnx.TensorProto]:
        return {tensor.name: tensor for tensor in self.proto.graph.initializer}

    def constant(self, name: str) -> NDArray[Any] | None:
        """The value of a tensor that never changes, looked up through Identity and Cast; None for any other."""
        if name in self._initializers:
            return numpy_helper.to_array(self._initializers[name])
        node = self.producers.get(name)
        if node is None or node.op_type not in ("Constant", "Identity", "Cast"):
            return None
        if node.op_type == "Constant":
            return np.asarray(numpy_helper.to_array(helper.get_node_attr_value(node, "value")))
        value = self.constant(node.input[0])
        if value is None or node.op_type == "Identity":
            return value
        return value.astype(helper.tensor_dtype_to_np_dtype(helper.get_node_attr_value(node, "to")))

    def with_graph(self, nodes: Iterable[Node], constants: dict[str, NDArray[Any]]) -> onnx.ModelProto:
        """A copy of the model with these nodes and added initializers, without what nothing reads any more."""
        proto = onnx.ModelProto()
        proto.CopyFrom(self.proto)
        graph = proto.graph
        del graph.node[:]
        graph.node.extend(nodes)
        graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in constants.items())
        _drop_unread(graph)
        return proto

    def with_outputs(self, tensors: Iterable[str]) -> onnx.ModelProto:
        """A copy of the model that gives these inner tensors as well."""
        proto = onnx.ModelProto()
        proto.CopyFrom(self.proto)
        proto.graph.output.extend(onnx.ValueInfoProto(name=tensor) for tensor in tensors)
        return proto


def make_node(kind: str, inputs: list[str], output: str, axis: int | None = None) -> Node:
    """A node of ONNX's own operator set, named after the one tensor it makes; an axis of None is left out."""
    return helper.make_node(kind, inputs, [output], name=output, axis=axis)


def _drop_unread(graph: onnx.GraphProto) -> None:
    read = {output.name for output in graph.output}
    kept: list[Node] = []
    for node in reversed(graph.node):
        if read.intersection(node.output):
            kept.append(node)
            read.update(_names_read(node))
    weights = [tensor for tensor in graph.initializer if tensor.name in read]
    known = {name for node in kept for name in node.output}
    shapes = [value for value in graph.value_info if value.name in known]
    del graph.node[:], graph.initializer[:], graph.value_info[:]
    graph.node.extend(reversed(kept))
    graph.initializer.extend(weights)
    graph.value_info.extend(shapes)


def _names_read(node: Node) -> Iterator[str]:
    """What a node reads, and what the branches of an If or Loop inside it read."""
    yield from node.input
    for attribute in node.attribute:
        for inner in attribute.g.node:
            yield from _names_read(inner)
        yield from (output.name for output in attribute.g.output)
