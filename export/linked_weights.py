"""Weights that a graph shares with its checkpoint: they stay in the .safetensors file, and the graph points into it.

ONNX calls that external data: a file beside the graph, an offset and a length. So a network is shipped once, as weights
and as a graph that needs no PyTorch.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

from coconet.errors import CoconetError, MissingPackage
from coconet.model_endings import SAFETENSORS

try:
    import onnx
except ImportError as error:
    raise MissingPackage("onnx", job="exporting a network", extra="export") from error


LEAST_BYTES = 1024
"""Smaller tensors stay in the graph."""


def check_linkable(checkpoint: Path, graph: Path) -> None:
    """Raise CoconetError if a graph cannot point into a checkpoint: another container, or another folder."""
    if checkpoint.suffix != SAFETENSORS or _home(checkpoint) != _home(graph):
        raise CoconetError(
            "--link",
            wanted=f"a {SAFETENSORS} file in the folder of the graph, {_home(graph)}",
            got=str(checkpoint),
            remedy="Copy the weights there, or choose another place with --out.",
            says=f"needs a {SAFETENSORS} file in the folder of the graph, {_home(graph)}, not {checkpoint}",
        )


def _home(path: Path) -> Path:
    return Path(os.path.realpath(path)).parent


def link_weights(model: onnx.ModelProto, checkpoint: Path) -> int:
    """Take the weights that a .safetensors file holds, to the bit, out of a graph; return how many bytes that were.

    The graph then loads only with the file beside it. Raises CoconetError if the file holds none of them.
    """
    places = {content: (start, len(content)) for start, content in _tensors(checkpoint)}
    linked = 0
    for tensor in model.graph.initializer:
        place = places.get(tensor.raw_data) if len(tensor.raw_data) >= LEAST_BYTES else None
        if place is None:
            continue
        where = {"location": checkpoint.name, "offset": str(place[0]), "length": str(place[1])}
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        for key, value in where.items():
            tensor.external_data.add(key=key, value=value)
        linked += place[1]
    if not linked:
        raise CoconetError(
            checkpoint,
            wanted="weights in the precision of the graph, which it could share",
            got="none that are equal to the bit",
            remedy="Leave --link out.",
            says="has no weights in the precision of the graph, so that there is nothing to share",
        )
    return linked


def _tensors(checkpoint: Path) -> Iterator[tuple[int, bytes]]:
    """Give the place and the bytes of every tensor: behind 8 bytes of length comes a header of JSON, then the data."""
    content = checkpoint.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    for name, entry in json.loads(content[8:start]).items():
        if name != "__metadata__":
            first, last = entry["data_offsets"]
            yield start + first, content[start + first : start + last]
