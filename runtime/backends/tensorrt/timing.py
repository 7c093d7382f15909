"""Device times: upload, execution and download of a frame, and TensorRT's own profile by layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from coconet.commands.__main__ import called_by_native_code


@dataclass(frozen=True)
class DeviceTimes:
    """Milliseconds of a frame: both pictures to the device, the model on it, and the fused picture back.

    Zero where host and device share their memory and nothing is moved.
    """

    upload_ms: float
    execute_ms: float
    download_ms: float

    @classmethod
    def mean(cls, runs: Sequence[DeviceTimes]) -> DeviceTimes:
        """The mean of each over at least one run."""
        columns = zip(*((run.upload_ms, run.execute_ms, run.download_ms) for run in runs), strict=True)
        return cls(*(sum(column) / len(runs) for column in columns))


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

        @called_by_native_code
        def report_layer_time(self, layer_name: str, ms: float) -> None:
            self.times_ms.setdefault(layer_name, []).append(ms)

        def clear(self) -> None:
            self.times_ms.clear()

        def means(self) -> list[LayerTime]:
            return [LayerTime(layer, sum(times) / len(times)) for layer, times in self.times_ms.items()]

    return LayerClock()
