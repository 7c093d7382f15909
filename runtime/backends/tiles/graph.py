"""A graph for tiles: the same model, but what it finds of the whole picture, such as its scene, is given to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

from coconet.cards.protocol_buffer import number_written, read_fields, written
from coconet.networks.scene import Scene

INPUTS = tuple(f"scene_{name}" for name in Scene._fields)
"""The further inputs, in the order of Scene: float32 of shape (1, N, 1, 1) each."""

_NUMBERS = (1, 1, 2)
"""N, how many numbers each of them holds, in the same order."""

_MEANS_OF = ("ReduceMax", "Abs", "AveragePool")
"""What each of them is the mean of, as an operator, in the same order."""

_WHOLE_NUMBER = 7
"""INT64, as a type of TensorProto."""

_GRAPH = 7
"""Field number of ModelProto, in onnx.proto; the next ones are of GraphProto, NodeProto and TensorProto."""

_NODE, _INITIALIZER, _INPUT = 1, 5, 11

_READS, _MAKES, _OPERATOR = 1, 2, 4

_TYPE, _NAME, _OUTSIDE = 2, 8, 13


@dataclass
class _Node:
    """A node and where it lies in the bytes of the graph, its tag included."""

    begin: int
    end: int = 0
    operator: str = ""
    reads: list[str] = field(default_factory=list)
    makes: list[str] = field(default_factory=list)


def graph_with_scene(path: Path, *, halved: bool = False) -> bytes | None:
    """The model of a file with INPUTS in place of what it computes of every picture.

    halved: whether it looks at the pictures in half their size, whatever the size of their parts. A graph that does not
    go by that, such as one of a single size, stays as it is.

    None for a graph in which that is not found, and for one whose weights lie in another file.
    """
    content = path.read_bytes()
    stream, before = BytesIO(content), 0
    for one in read_fields(stream):
        if one.number == _GRAPH:
            graph = _rewritten(content[stream.tell() : one.end], halved)
            return None if graph is None else content[:before] + written(_GRAPH, graph) + content[one.end :]
        before = one.end
    return None


def _rewritten(graph: bytes, halved: bool) -> bytes | None:
    stream, before = BytesIO(graph), 0
    nodes, types = list[_Node](), dict[str, int]()
    for one in read_fields(stream):
        if one.number == _NODE:
            nodes.append(_node(stream, before, one.end))
        elif one.number == _INITIALIZER:
            constant = _constant(stream, one.end)
            if constant is None:
                return None
            types.update([constant])
        before = one.end
    found = _scene_in(nodes)
    if sorted(name for _, name in found) != sorted(INPUTS):
        return None
    numbers = (_type_of(node.makes[0], nodes, types) for node, _ in found)
    number = next((number for number in numbers if number is not None), None)
    if number is None:
        return None
    replaced = [(node, _cast(name, node.makes[0], number)) for node, name in found]
    replaced += [(node, _constant_node(node.makes[0], int(halved))) for node in nodes if _says_large(node, types)]
    parts, done = list[bytes](), 0
    for node, other in sorted(replaced, key=lambda one: one[0].begin):
        parts += [graph[done : node.begin], written(_NODE, other)]
        done = node.end
    return b"".join([*parts, graph[done:], *map(_input, INPUTS, _NUMBERS)])


def _scene_in(nodes: list[_Node]) -> list[tuple[_Node, str]]:
    """The nodes that give the scene, in the order of the graph, and which of INPUTS each gives.

    In graphs of earlier exports a mean of both sources is taken for the levels: only the deviation is computed with it,
    which is given as well.
    """
    makers = {name: node for node in nodes for name in node.makes}
    found = []
    for node in nodes:
        if node.operator == "ReduceMean":
            maker = makers.get(node.reads[0])
            if maker is not None and maker.operator == "Cast":  # in half precision
                maker = makers.get(maker.reads[0])
            if maker is not None and maker.operator in _MEANS_OF:
                found.append((node, INPUTS[_MEANS_OF.index(maker.operator)]))
    return found


def _says_large(node: _Node, types: Mapping[str, int]) -> bool:
    """Whether a node gives 1 for a large picture and 0 for others: the only minimum of whole numbers, see LiteNet."""
    return node.operator == "Min" and any(types.get(name) == _WHOLE_NUMBER for name in node.reads)


def _type_of(name: str, nodes: list[_Node], types: Mapping[str, int]) -> int | None:
    """The number of a tensor's type: that of the constants it is computed with."""
    return next((types[other] for node in nodes if name in node.reads for other in node.reads if other in types), None)


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


def _constant(stream: BytesIO, end: int) -> tuple[str, int] | None:
    """Name and type of a constant; None if its numbers lie in another file."""
    name, number = "", 0
    for one in read_fields(stream, end):
        if one.number == _TYPE:
            number = one.value
        elif one.number == _NAME:
            name = stream.read(one.end - stream.tell()).decode()
        elif one.number == _OUTSIDE:
            return None
    return name, number


def _cast(reads: str, makes: str, type_number: int) -> bytes:
    """A NodeProto that turns an input into the type of a tensor, under its name."""
    attribute = written(1, b"to") + number_written(3, type_number) + number_written(20, 2)  # 2: a whole number
    ends = written(_READS, reads.encode()) + written(_MAKES, makes.encode())
    return ends + written(_OPERATOR, b"Cast") + written(5, attribute)


def _constant_node(makes: str, value: int) -> bytes:
    """A NodeProto that gives a whole number."""
    attribute = written(1, b"value_int") + number_written(3, value) + number_written(20, 2)  # 2: a whole number
    return written(_MAKES, makes.encode()) + written(_OPERATOR, b"Constant") + written(5, attribute)


def _input(name: str, numbers: int) -> bytes:
    """A ValueInfoProto of a few numbers, as channels, as a further input of the graph."""
    shape = b"".join(written(1, number_written(1, side)) for side in (1, numbers, 1, 1))
    tensor = number_written(1, 1) + written(2, shape)
    return written(_INPUT, written(1, name.encode()) + written(2, written(1, tensor)))
