"""How near a frame comes to what the processor's units can multiply: multiply-adds over a measured matrix product.

    python -m coconet.benchmarks.studies.processor.physical_limit --models lite --models lite-int8

The multiply-adds of a network's convolutions at a frame size, over how many a second the processor makes in a large
matrix product in FP32, BF16 and INT8, both by OpenVINO. Seconds are those of the processor, of which other programs
take little away; the clock of a quiet machine gives the same divided by its cores. The share is what a frame reaches.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal

import numpy as np
import typer
from rich.table import Table

from coconet.calibration.int8.graph import OnnxModel
from coconet.calibration.int8.sensitivity import conv_macs
from coconet.cards.frame_size import FrameSize
from coconet.installation.processor import processor_name, usable_cores
from coconet.model_names import model_path
from coconet.runtime.backends.openvino.backend import Arithmetic, OpenVinoBackend
from coconet.runtime.backends.openvino.package import openvino
from coconet.runtime.backends.openvino.package import opset13 as opset
from coconet.runtime.cameras.synthetic.camera import synthetic_pairs
from coconet.runtime.frame_check import fit_pairs
from coconet.terminal.console import Console

Numbers = Literal["fp32", "bf16", "int8"]
"""What is multiplied."""

WAYS: tuple[tuple[Numbers, Arithmetic], ...] = (("fp32", "f32"), ("bf16", "bf16"))
"""What takes the place of floats, and how OpenVINO is told so."""


@dataclass(frozen=True)
class Reached:
    """Of one model: its multiply-adds by what is multiplied, in 10^9, and the processor's seconds for a frame.

    rates: how many of each a core makes a second, in 10^9.
    """

    gmacs: Mapping[Numbers, float]
    rates: Mapping[Numbers, float]
    frame_s: float

    @property
    def least_s(self) -> float:
        """What the multiply-adds alone take of a core."""
        return sum(gmacs / self.rates[numbers] for numbers, gmacs in self.gmacs.items())

    @property
    def share(self) -> float:
        """The share of the processor's rate that a frame reaches, 0..1."""
        return self.least_s / self.frame_s


def least_seconds(work: Callable[[], object], times: int, clock: Callable[[], float] = time.process_time) -> float:
    """What the quickest of some runs takes, after one that does not count; by default in seconds of the processor."""
    work()
    found = []
    for _ in range(times):
        begun = clock()
        work()
        found.append(clock() - begun)
    return min(found)


def product_rate(numbers: Numbers, side: int, times: int) -> float:
    """How many multiply-adds a second, in 10^9, a core makes in a product of two square matrices of a side."""
    node = opset.parameter([side, side], openvino.Type.f32)
    weights = np.random.default_rng(0).integers(-127, 128, (side, side)).astype(np.int8)
    if numbers == "int8":
        low, high = (opset.constant(np.float32(value)) for value in (-1.28, 1.27))
        left = opset.fake_quantize(node, low, high, low, high, 256)
        right = opset.multiply(opset.convert(opset.constant(weights), "f32"), opset.constant(np.float32(0.01)))
    else:
        left, right = node, opset.constant(weights.astype(np.float32) * np.float32(0.01))
    model = openvino.Model([opset.matmul(left, right, False, True)], [node], "product")
    settings = {"INFERENCE_PRECISION_HINT": "bf16" if numbers == "bf16" else "f32"}
    settings["INFERENCE_NUM_THREADS"] = str(len(usable_cores()))
    request: Any = openvino.Core().compile_model(model, "CPU", settings).create_infer_request()
    samples = np.random.default_rng(1).random((side, side), np.float32)
    return float(side**3 / least_seconds(lambda: request.infer([samples]), times) / 1e9)


def multiplied(model: OnnxModel, size: FrameSize, floats: Numbers) -> dict[Numbers, float]:
    """The multiply-adds of a model's convolutions on a frame, in 10^9; floats: what those take that are not of INT8."""
    (pair,) = fit_pairs(synthetic_pairs(1, size.height_px, size.width_px), model.card)
    integers = {name for node in model.nodes if node.op_type == "DequantizeLinear" for name in node.output}
    quantized = {node.output[0] for node in model.nodes if node.op_type == "Conv" and node.input[0] in integers}
    found: dict[Numbers, float] = {}
    for output, macs in conv_macs(model, pair).items():
        numbers: Numbers = "int8" if output in quantized else floats
        found[numbers] = found.get(numbers, 0.0) + macs / 1e9
    return found


def reached(word: str, size: FrameSize, rates: Mapping[Numbers, float], times: int) -> list[Reached]:
    """What a model reaches at a size, with its floats in each of WAYS."""
    path = model_path(word)
    model, found = OnnxModel.read(path), list[Reached]()
    (pair,) = fit_pairs(synthetic_pairs(1, size.height_px, size.width_px), model.card)
    for floats, arithmetic in WAYS:
        with closing(OpenVinoBackend(path, arithmetic=arithmetic)) as backend:
            frame_s = least_seconds(partial(backend.fuse, pair.visible.pixels, pair.infrared.pixels), times)
        found.append(Reached(multiplied(model, size, floats), rates, frame_s))
    return found


def main(
    models: Annotated[list[str] | None, typer.Option("--models", help="Words or files; again for more.")] = None,
    size: Annotated[str, typer.Option("--size", help="HEIGHTxWIDTH.")] = "480x640",
    side: Annotated[int, typer.Option("--side", min=16, help="Of the matrices that are multiplied.")] = 2048,
    times: Annotated[int, typer.Option("--times", min=1, help="How often everything is run; the least counts.")] = 15,
) -> None:
    """Measure, and print a table."""
    rates: dict[Numbers, float] = {numbers: product_rate(numbers, side, times) for numbers in ("fp32", "bf16", "int8")}
    console = Console()
    said = ", ".join(f"{numbers} {rate:.0f}" for numbers, rate in rates.items())
    console.print(f"{processor_name()}, 10^9 multiply-adds a second on one core in a product of {side}: {said}")
    table = Table(title=f"a frame of {size} (height x width) by OpenVINO", title_justify="left")
    for head in ("model", "floats", "multiply-adds, 10^9", "least ms", "ms of a core", "share"):
        table.add_column(head, justify="right")
    for word in models or ("lite", "lite-int8"):
        for (floats, _), one in zip(WAYS, reached(word, FrameSize.parse(size), rates, times), strict=True):
            macs = " + ".join(f"{gmacs:.2f} {numbers}" for numbers, gmacs in sorted(one.gmacs.items(), reverse=True))
            milliseconds = (f"{1e3 * seconds:.1f}" for seconds in (one.least_s, one.frame_s))
            table.add_row(word, floats, macs, *milliseconds, f"{one.share:.0%}")
    console.print(table)


if __name__ == "__main__":
    typer.run(main)
