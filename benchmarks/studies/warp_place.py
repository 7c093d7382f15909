"""Where the warp of an alignment is faster: before the model, as OpenCV's remap, or in a graph, as GridSample.

python -m coconet.benchmarks.studies.warp_place
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from coconet.cards.model_card import FUSED, INFRARED
from coconet.errors import MissingPackage, counted
from coconet.media.pixels import Pixels
from coconet.runtime.cameras.synthetic.camera import synthetic_pairs
from coconet.runtime.preprocess.warp import Alignment, source_points
from coconet.terminal.console import Console

try:
    import onnx
    from onnx import TensorProto, helper, numpy_helper
except ImportError as error:
    raise MissingPackage("onnx", job="warping in a graph", extra="calibration") from error


ALIGNMENT = Alignment(((1.9, 0.05, 6.0), (-0.04, 1.95, 4.0), (1e-5, 2e-5, 1.0)))

SIZE_PX, INFRARED_PX = (640, 480), (320, 256)

OPSET = 20  # GridSample came with 16, under another name for linear

REPEATS = 100

Warp = Callable[[Pixels], Pixels]


def main() -> None:
    """Warp one picture both ways in turns, and print the times and how far apart the pictures are."""
    infrared = synthetic_pairs(1, INFRARED_PX[1], INFRARED_PX[0])[0].infrared.pixels
    warps: dict[str, Warp] = {
        "remap": lambda pixels: ALIGNMENT.warp(pixels, SIZE_PX),
        "GridSample": graph_warp(ALIGNMENT, INFRARED_PX, SIZE_PX),
    }
    times_ms: dict[str, list[float]] = {name: [] for name in warps}
    for _ in range(REPEATS):
        for name, warp in warps.items():
            begun = time.perf_counter()
            warp(infrared)
            times_ms[name].append((time.perf_counter() - begun) * 1e3)
    table = Table("warp", "p50 ms", "ratio", box=None)
    for name, taken in times_ms.items():
        ratio = np.median(taken) / np.median(times_ms["remap"])
        table.add_row(name, f"{np.median(taken):.2f}", f"{ratio:.1f}")
    apart = np.abs(np.subtract(*(warp(infrared).astype(int) for warp in warps.values())))
    most = int(apart.max())
    Console().print(
        table,
        f"at most {counted(most, 'level')} apart, {(apart <= 1).mean():.2%} of the pixels at most one",
    )


def graph_warp(alignment: Alignment, infrared_px: tuple[int, int], size_px: tuple[int, int]) -> Warp:
    """Make ONNX Runtime warp (H, W, 1) pixels of one size, (width, height), onto another one, as the runtime does."""
    import onnxruntime

    model = warp_model(alignment, infrared_px, size_px)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return lambda pixels: np.asarray(session.run([FUSED], {INFRARED: pixels[None]})[0][0], np.uint8)


def warp_model(alignment: Alignment, infrared_px: tuple[int, int], size_px: tuple[int, int]) -> onnx.ModelProto:
    """The graph: bytes to floats, one GridSample over a constant grid, and rounded back to bytes."""
    shapes = {"planes": [1, 1, *infrared_px[::-1]], "picture": [1, *size_px[::-1], 1]}
    constants = [numpy_helper.from_array(np.array(shape, np.int64), f"{name}_shape") for name, shape in shapes.items()]
    constants.append(numpy_helper.from_array(_grid(alignment, infrared_px, size_px), "grid"))
    nodes = [
        helper.make_node("Cast", [INFRARED], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Reshape", ["floats", "planes_shape"], ["planes"]),
        helper.make_node("GridSample", ["planes", "grid"], ["warped"], mode="linear", align_corners=1),
        helper.make_node("Round", ["warped"], ["rounded"]),
        helper.make_node("Reshape", ["rounded", "picture_shape"], ["picture"]),
        helper.make_node(
            "Cast", ["picture"], [FUSED], to=TensorProto.UINT8
        ),  # last: TensorRT has bytes only at the ends
    ]
    sizes = {INFRARED: [1, *infrared_px[::-1], 1], FUSED: shapes["picture"]}
    taken, given = (helper.make_tensor_value_info(name, TensorProto.UINT8, shape) for name, shape in sizes.items())
    graph = helper.make_graph(nodes, "warp", [taken], [given], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    return model


def _grid(alignment: Alignment, infrared_px: tuple[int, int], size_px: tuple[int, int]) -> NDArray[np.float32]:
    """Source points as GridSample wants them with aligned corners: -1 is the first pixel, 1 the last one."""
    last = np.array(infrared_px, np.float32) - 1
    return (2 * source_points(alignment, size_px) / last - 1)[None].astype(np.float32)


if __name__ == "__main__":
    main()
