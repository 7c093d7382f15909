"""Layer names: the convolutions of a graph, called after the modules of the network that they come from."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx


SCOPES = "pkg.torch.onnx.name_scopes"
"""Where PyTorch's exporter notes of a node the modules around it, outermost first, and the node itself."""

WEIGHT = ".weight"
"""How the names of weights end that modules keep."""

LAYERS = ("Conv", "ConvTranspose")
"""The operators that tables and messages name one by one."""


def name_layers(graph: onnx.GraphProto, root: str) -> None:
    """Call every convolution and the tensor it makes after its module, such as `conv4.conv2d`, in place.

    A module that computes several, or is called several times, gives `conv4.conv2d:2` to the second. What lies in no
    module below `root`, and what the graph gives out, keeps its name.
    root: the module that holds the network itself, such as `core`.
    """
    kept = {value.name for value in (*graph.input, *graph.output)}
    taken = kept | {name for node in graph.node for name in node.output} | {one.name for one in graph.initializer}
    renamed: dict[str, str] = {}
    for node in graph.node:
        module = _module_of(node, root) if node.op_type in LAYERS and node.output[0] not in kept else ""
        if module:
            node.name = renamed[node.output[0]] = _free(module, taken)
            taken.add(node.name)
    for node in graph.node:
        node.input[:] = [renamed.get(name, name) for name in node.input]
        node.output[:] = [renamed.get(name, name) for name in node.output]
    for value in graph.value_info:
        value.name = renamed.get(value.name, value.name)


def _module_of(node: onnx.NodeProto, root: str) -> str:
    """The module whose weight a node has, else the innermost one around it, by its name below `root`, or empty.

    PyTorch folds a BatchNorm into the convolution before it, and then has the result in the BatchNorm's module.
    """
    weight = str(node.input[1])
    if weight.startswith(f"{root}.") and weight.endswith(WEIGHT):
        return weight.removeprefix(f"{root}.").removesuffix(WEIGHT)
    for entry in node.metadata_props:
        if entry.key == SCOPES:
            modules = ast.literal_eval(entry.value)[:-1]
            inner = str(modules[-1]) if modules else ""
            return inner.removeprefix(f"{root}.") if inner.startswith(f"{root}.") else ""
    return ""


def _free(module: str, taken: set[str]) -> str:
    name, times = module, 1
    while name in taken:
        times += 1
        name = f"{module}:{times}"
    return name
