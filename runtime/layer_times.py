"""Layer times: what TensorRT's profiler hook reports, as a mean for each layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class LayerTime:
    """A layer as the engine names it, and its mean time on the GPU."""

    layer: str
    mean_ms: float


def layer_clock(trt: Any) -> Any:
    """Make an IProfiler of this TensorRT that sums times by layer; `means()` reads and `clear()` forgets them."""

    class LayerClock(trt.IProfiler):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.IProfiler.__init__(self)
            self.times_ms: dict[str, list[float]] = {}

        def report_layer_time(self, layer_name: str, ms: float) -> None:
            self.times_ms.setdefault(layer_name, []).append(ms)

        def clear(self) -> None:
            self.times_ms.clear()

        def means(self) -> list[LayerTime]:
            return [LayerTime(layer, sum(times) / len(times)) for layer, times in self.times_ms.items()]

    return LayerClock()
