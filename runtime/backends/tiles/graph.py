"""A graph for tiles: the same model, but the stretch room of the whole picture comes in and is not computed."""

from __future__ import annotations

from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import numpy as np

from coconet.cards.protocol_buffer import number_written, read_fields, written
from coconet.networks.room import LEEWAY

ROOM = "stretch_room"
"""The input: float32 of shape (1, 1, 1, 1)."""

_GRAPH = 7
"""Field number of ModelProto, in onnx.proto; the next ones are of GraphProto, NodeProto and TensorProto."""

_NODE, _INITIALIZER, _INPUT = 1, 5, 11

_READS, _MAKES, _OPERATOR = 1, 2, 4

_TYPE, _NAME, _RAW, _OUTSIDE = 2, 8, 9, 13

_NUMBERS = {1: "<f4", 10: "<f2"}
"""The types of tensors that hold the leeway, as numpy reads them."""


@dataclass
class _Node:
    """A node and where it lies in the bytes of the graph, its tag included."""

    begin: int
    end: int = 0
    operator: str = ""
    reads: list[str] = field(default_factory=list)
    makes: list[str] = field(default_factory=list)


@dataclass
class _Constant:
    name: str = ""
    type: int = 0
    raw: bytes = b""

    @property
    def is_leeway(self) -> bool:
        """Whether it is what a scene may be stretched by in any light."""
        kind = _NUMBERS.get(self.type)
        if kind is None or len(self.raw) != np.dtype(kind).itemsize:
            return False
        return bool(abs(float(np.frombuffer(self.raw, kind)[0]) - LEEWAY) < 1e-5)


def graph_with_room(path: Path) -> bytes | None:
    """The model of a file with the input ROOM in place of what it computes of every picture.

    None for a graph in which that is not found, and for one whose weights lie in another file.
    """
    content = path.read_bytes()
    stream, before = BytesIO(content), 0
    for one in read_fields(stream):
        if one.number == _GRAPH:
            graph = _rewritten(content[stream.tell() : one.end])
            return None if graph is None else content[:before] + written(_GRAPH, graph) + content[one.end :]
        before = one.end
    return None


def _rewritten(graph: bytes) -> bytes | None:
    stream, before = BytesIO(graph), 0
    nodes, constants = list[_Node](), dict[str, _Constant]()
    for one in read_fields(stream):
        if one.number == _NODE:
            nodes.append(_node(stream, before, one.end))
        elif one.number == _INITIALIZER:
            constant = _constant(stream, one.end)
            if constant is None:
                return None
            constants[constant.name] = constant
        before = one.end
    found = _room_of(nodes, constants)
    if found is None:
        return None
    node, type_number = found
    return graph[: node.begin] + written(_NODE, _cast(node.makes[0], type_number)) + graph[node.end :] + _input()


def _room_of(nodes: list[_Node], constants: dict[str, _Constant]) -> tuple[_Node, int] | None:
    """The sum that ends in the leeway, and is the only thing that the graph turns negative; with its type."""
    negated = {node.reads[0] for node in nodes if node.operator == "Neg"}
    for node in nodes:
        if node.operator == "Add" and set(node.makes) & negated:
            types = [constants[name].type for name in node.reads if name in constants and constants[name].is_leeway]
            if types:
                return node, types[0]
    return None


def _node(stream: BytesIO, begin: int, end: int) -> _Node:
    node = _Node(begin, end)
    for one in read_fields(stream, end):
        if one.number in (_READS, _MAKES, _OPERATOR):
            text = stream.read(one.end - stream.tell()).decode()
            if one.number == _OPERATOR:
                node.operator = text
            else:
                (node.reads if one.number == _READS else node.makes).append(text)
    return node


def _constant(stream: BytesIO, end: int) -> _Constant | None:
    """A constant, of a large one without its numbers; None if they lie in another file."""
    constant = _Constant()
    for one in read_fields(stream, end):
        if one.number == _TYPE:
            constant.type = one.value
        elif one.number == _NAME:
            constant.name = stream.read(one.end - stream.tell()).decode()
        elif one.number == _RAW and one.end - stream.tell() <= 4:
            constant.raw = stream.read(one.end - stream.tell())
        elif one.number == _OUTSIDE:
            return None
    return constant


def _cast(makes: str, type_number: int) -> bytes:
    """A NodeProto that turns ROOM into the type of a tensor, under its name."""
    attribute = written(1, b"to") + number_written(3, type_number) + number_written(20, 2)  # 2: a whole number
    ends = written(_READS, ROOM.encode()) + written(_MAKES, makes.encode())
    return ends + written(_OPERATOR, b"Cast") + written(5, attribute)


def _input() -> bytes:
    """The ValueInfoProto of ROOM, as a further input of the graph."""
    shape = written(1, number_written(1, 1)) * 4
    tensor = number_written(1, 1) + written(2, shape)
    return written(_INPUT, written(1, ROOM.encode()) + written(2, written(1, tensor)))
