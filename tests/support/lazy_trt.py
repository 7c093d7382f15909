"""TensorRT on a lazy GPU: an engine of our three tensors that averages when its stream comes to it, call by call.

It stands in for the module `tensorrt` of 8.6 to 11 and for TensorRT for RTX; test_tensorrt_surface.py holds that what
it offers is there in the real ones.
"""

from __future__ import annotations

import ctypes
from enum import Enum
from types import SimpleNamespace
from typing import Any

import numpy as np

from tests.support.lazy_gpu import LazyGpu

TensorIOMode = Enum("TensorIOMode", "NONE INPUT OUTPUT")
DataType = Enum("DataType", "UINT8 FLOAT")
Severity = Enum("Severity", "INTERNAL_ERROR ERROR WARNING INFO VERBOSE")

Size = tuple[int, int]

NAMES = ("visible", "infrared", "fused")


class ILogger:
    Severity = Severity


class IProfiler:
    pass


class LazyTensorRT:
    """The module. sizes: the smallest and largest (H, W) of the engine; equal ones make it one of a fixed size."""

    ILogger, IProfiler, TensorIOMode, DataType = ILogger, IProfiler, TensorIOMode, DataType
    LayerInformationFormat = SimpleNamespace(JSON="json")
    CudaGraphStrategy = SimpleNamespace(WHOLE_GRAPH_CAPTURE="whole")

    def __init__(self, gpu: LazyGpu, version: str = "10.3.0", sizes: tuple[Size, Size] = ((4, 4), (64, 64))) -> None:
        self.gpu, self.__version__, self.sizes = gpu, version, sizes
        self.names: tuple[str, ...] = NAMES
        self.dtype = DataType.UINT8
        self.plans: list[bytes] = []
        self.cached: list[bytes] = []
        self.runtimes: list[Any] = []

    def Runtime(self, logger: Any) -> Any:  # noqa: N802  TensorRT's own name
        read = SimpleNamespace(deserialize_cuda_engine=lambda plan: self._engine(plan, logger))
        self.runtimes.append(read)
        return read

    def _engine(self, plan: bytes, logger: Any) -> LazyEngine | None:
        self.plans.append(plan)
        if self.gpu.refuses("deserialize_cuda_engine"):
            logger.log(Severity.ERROR, "the engine plan file is not compatible\n")
            return None
        return LazyEngine(self, logger)


class LazyEngine:
    def __init__(self, trt: LazyTensorRT, logger: Any) -> None:
        self.trt, self.logger, self.num_io_tensors = trt, logger, len(trt.names)

    def get_tensor_name(self, index: int) -> str:
        return self.trt.names[index]

    def get_tensor_mode(self, name: str) -> TensorIOMode:
        return TensorIOMode.OUTPUT if name == self.trt.names[-1] else TensorIOMode.INPUT

    def get_tensor_dtype(self, name: str) -> DataType:
        return self.trt.dtype

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        smallest, largest = self.trt.sizes
        return (1, *(smallest if smallest == largest else (-1, -1)), 1 if name == "infrared" else 3)

    def get_tensor_profile_shape(self, name: str, profile: int) -> list[tuple[int, ...]]:
        assert profile == 0
        depth = 1 if name == "infrared" else 3
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

    def create_execution_context(self, config: Any = None) -> LazyContext | None:
        if self.trt.gpu.refuses("create_execution_context"):
            self.logger.log(Severity.ERROR, "out of memory\n")
            return None
        return LazyContext(self)


class LazyContext:
    profiler: Any = None

    def __init__(self, engine: LazyEngine) -> None:
        self.engine, self.gpu = engine, engine.trt.gpu
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.addresses: dict[str, int] = {}

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        self.shapes[name] = shape
        return not self.gpu.refuses("set_input_shape")

    def infer_shapes(self) -> list[str]:
        return [name for name in self.engine.trt.names[:-1] if name not in self.shapes]

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return self.shapes[name] if name in self.shapes else self.shapes["visible"]

    def set_tensor_address(self, name: str, address: int) -> bool:
        assert address in self.gpu.memory
        self.addresses[name] = address
        return not self.gpu.refuses("set_tensor_address")

    def execute_async_v3(self, stream_handle: int) -> bool:
        if self.gpu.refuses("execute_async_v3"):
            return False
        shapes, addresses = {name: self.get_tensor_shape(name) for name in NAMES}, dict(self.addresses)
        self.gpu.enqueue(stream_handle, lambda: self._average(shapes, addresses))
        return True

    def _average(self, shapes: dict[str, tuple[int, ...]], addresses: dict[str, int]) -> None:
        sides = {}
        for name, shape in shapes.items():
            assert len(self.gpu.memory[addresses[name]]) == np.prod(shape), "a buffer of another size"
            memory = (ctypes.c_uint8 * int(np.prod(shape))).from_address(addresses[name])
            sides[name] = np.ctypeslib.as_array(memory).reshape(shape)
        sides["fused"][:] = sides["visible"] // 2 + sides["infrared"] // 2
        if self.profiler is not None:
            for layer, ms in (("first", 0.25), ("last", 0.5)):
                self.profiler.report_layer_time(layer, ms)
