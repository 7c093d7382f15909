"""TensorRT on the stand-in GPU: an engine of our three tensors that averages when its stream comes to it, call by call.

It stands in for the module `tensorrt` of 8.6 to 11 and for TensorRT for RTX; test_api_surface.py holds that what the
code uses of them is there in the real ones.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from enum import Enum
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from coconet.cards.engine_card import BuildOptions, DeviceIdentity, EngineCard, card_path
from coconet.files import sha256_of
from tests.support.gpu.stand_in_gpu import StandInGpu
from tests.support.models.tiny_onnx import averaging_card

TensorIOMode = Enum("TensorIOMode", "NONE INPUT OUTPUT")
DataType = Enum("DataType", "UINT8 FLOAT")
Severity = Enum("Severity", "INTERNAL_ERROR ERROR WARNING INFO VERBOSE")

Size = tuple[int, int]

NAMES = ("visible", "infrared", "fused")

WARPED = ("visible", "infrared", "warp", "fused")

DEPTHS = {"infrared": 1, "warp": 2}


class ILogger:
    Severity = Severity


class IProfiler:
    pass


class StandInTensorRT:
    """The module. sizes: the smallest and largest (H, W) of the engine; equal ones make it one of a fixed size.

    calls: what was asked of it, in order. fail_at: the calls that will be refused, and after how many.
    contexts: how many execution contexts live; 8.6 allows as many as there are profiles, which is one.
    """

    ILogger, IProfiler, TensorIOMode, DataType = ILogger, IProfiler, TensorIOMode, DataType
    LayerInformationFormat = SimpleNamespace(JSON="json")
    CudaGraphStrategy = SimpleNamespace(WHOLE_GRAPH_CAPTURE="whole")

    def __init__(self, gpu: StandInGpu, version: str = "10.3.0", sizes: tuple[Size, Size] = ((4, 4), (64, 64))) -> None:
        self.gpu, self.__version__, self.sizes = gpu, version, sizes
        self.names: tuple[str, ...] = NAMES
        self.calls: list[str] = []
        self.fail_at: Counter[str] = Counter()
        self.contexts = 0
        self.dtype = DataType.UINT8
        self.plans: list[bytes] = []
        self.cached: list[bytes] = []
        self.runtimes: list[Any] = []

    def Runtime(self, logger: Any) -> Any:  # noqa: N802  TensorRT's own name
        read = SimpleNamespace(deserialize_cuda_engine=lambda plan: self._engine(plan, logger))
        self.runtimes.append(read)
        return read

    def refuses(self, call: str) -> bool:
        """Note a call; True at the one that was asked to fail (1 is the first from now)."""
        self.calls.append(call)
        self.fail_at[call] -= 1
        return self.fail_at[call] == 0

    def _engine(self, plan: bytes, logger: Any) -> StandInEngine | None:
        self.plans.append(plan)
        if self.refuses("deserialize_cuda_engine"):
            logger.log(Severity.ERROR, "the engine plan file is not compatible\n")
            return None
        return StandInEngine(self, logger)


class StandInEngine:
    def __init__(self, trt: StandInTensorRT, logger: Any) -> None:
        self.trt, self.logger, self.num_io_tensors = trt, logger, len(trt.names)

    def get_tensor_name(self, index: int) -> str:
        return self.trt.names[index]

    def get_tensor_mode(self, name: str) -> TensorIOMode:
        return TensorIOMode.OUTPUT if name == self.trt.names[-1] else TensorIOMode.INPUT

    def get_tensor_dtype(self, name: str) -> DataType:
        return DataType.FLOAT if name == "warp" else self.trt.dtype

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        smallest, largest = self.trt.sizes
        return (1, *(smallest if smallest == largest else (-1, -1)), DEPTHS.get(name, 3))

    def get_tensor_profile_shape(self, name: str, profile: int) -> list[tuple[int, ...]]:
        assert profile == 0
        depth = DEPTHS.get(name, 3)
        smallest, largest = self.trt.sizes
        return [(1, *size, depth) for size in (smallest, largest, largest)]

    def create_engine_inspector(self) -> Any:
        return SimpleNamespace(get_engine_information=lambda form: '{"Layers": ["first", "last"]}')

    def create_runtime_config(self) -> Any:
        def deserialize(blob: bytes) -> bool:
            self.trt.cached.append(blob)
            return blob == b"kernels"

        cache = SimpleNamespace(deserialize=deserialize, serialize=lambda: b"kernels")
        return SimpleNamespace(create_runtime_cache=lambda: cache, set_runtime_cache=lambda found: None)

    def create_execution_context(self, config: Any = None) -> StandInContext | None:
        if self.trt.refuses("create_execution_context"):
            self.logger.log(Severity.ERROR, "out of memory\n")
            return None
        if self.trt.__version__.startswith("8.") and self.trt.contexts:
            self.logger.log(Severity.ERROR, "optimization profile 0 is used by another context\n")
            return None
        return StandInContext(self)


class StandInContext:
    profiler: Any = None

    def __init__(self, engine: StandInEngine) -> None:
        self.engine, self.trt = engine, engine.trt
        self.trt.contexts += 1
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.addresses: dict[str, int] = {}

    def __del__(self) -> None:
        self.trt.contexts -= 1

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        self.shapes[name] = shape
        return not self.trt.refuses("set_input_shape")

    def infer_shapes(self) -> list[str]:
        return [name for name in self.engine.trt.names[:-1] if name not in self.shapes]

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return self.shapes[name] if name in self.shapes else self.shapes["visible"]

    def set_tensor_address(self, name: str, address: int) -> bool:
        assert address % 256 == 0, "TensorRT wants tensors to begin at multiples of 256 bytes"
        self.addresses[name] = address
        return not self.trt.refuses("set_tensor_address")

    def execute_async_v3(self, stream_handle: int) -> bool:
        if self.trt.refuses("execute_async_v3"):
            return False
        height, width, channels = self.get_tensor_shape("visible")[1:]
        if "warp" in self.engine.trt.names:
            own = self.get_tensor_shape("infrared")[1:3]
            failed = self.trt.gpu.launch_warped(stream_handle, self.addresses, (height, width, channels), own)
        else:
            failed = self.trt.gpu.launch(stream_handle, self.addresses, height * width, channels, averages=True)
        if failed:
            return False
        if self.profiler is not None:
            for layer, ms in (("first", 0.25), ("last", 0.5)):
                self.profiler.report_layer_time(layer, ms)
        return True


def write_plan(folder: Path, **changes: Any) -> Path:
    """Write `model.engine` that this TensorRT runs, on an Orin, and its card; changes: of the card's fields."""
    path = folder / "model.engine"
    path.write_bytes(b"plan")
    card = EngineCard(
        model=averaging_card(),
        onnx_sha256="0" * 64,
        engine_sha256=sha256_of(path),
        flavour="tensorrt",
        tensorrt_version="10.3.0",
        targets=("sm87",),
        device=DeviceIdentity("Orin"),
        options=BuildOptions(),
    )
    card_path(path).write_text(replace(card, **changes).to_json())
    return path
