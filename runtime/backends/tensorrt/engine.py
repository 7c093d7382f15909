"""A TensorRT engine in memory: checked against its card and run by named tensors (TensorRT 8.6 to 11, and RTX)."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from coconet.cards.engine_card import EngineCard, gpus_in_words
from coconet.cards.frame_size import FrameSize
from coconet.cards.model_card import FUSED, INFRARED, WARP
from coconet.cards.plan_header import plan_origin
from coconet.errors import CoconetError
from coconet.files import whole_file
from coconet.runtime.backends.gpu.memory import GpuObject
from coconet.runtime.backends.tensorrt.cuda_device import CudaDevice
from coconet.runtime.backends.tensorrt.module import Messages, TensorRT, process_logger, rtx_module, tensorrt_module
from coconet.runtime.backends.tensorrt.transfer_ring import Shape

LOG = logging.getLogger("coconet.tensorrt")

JOB = "running engines"

BUILD = "Build the engine on this device: coconet build."


def check_device(path: Path, card: EngineCard, device: CudaDevice) -> None:
    """Refuse an engine of another GPU or board, before TensorRT is asked. Raises CoconetError."""
    on_any_board = card.device is None or card.options.same_compute_capability
    if device.sm not in card.targets or not (on_any_board or card.device == device.identity):
        wanted = f"an engine for {gpus_in_words((device.sm,), device.identity)}"
        made_for = gpus_in_words(card.targets, None if on_any_board else card.device)
        raise CoconetError(
            path,
            wanted=wanted,
            got=f"one for {made_for}",
            remedy=BUILD,
            says=f"was built for {made_for}, and this machine has {gpus_in_words((device.sm,), device.identity)}",
        )


def open_for(path: Path, card: EngineCard, device: CudaDevice) -> TensorRT:
    """Import the TensorRT that built the engine. Raises MissingPackage, or CoconetError for another version."""
    rtx = card.flavour == "tensorrt_rtx"
    module = rtx_module(JOB) if rtx else tensorrt_module(JOB)
    found = TensorRT(card.flavour, module, *process_logger(module), (device.sm,), device.identity)
    if not _reads(found.version, card):
        raise CoconetError(
            path,
            wanted=f"an engine of TensorRT {found.version}, which is installed here",
            got=f"one of TensorRT {card.tensorrt_version} (in its header: {plan_origin(path)})",
            remedy=BUILD,
            says=f"was built with TensorRT {card.tensorrt_version}, and TensorRT {found.version} is installed here "
            f"(its header says {plan_origin(path)})",
        )
    return found


def _reads(version: str, card: EngineCard) -> bool:
    """Whether a TensorRT runs an engine: one that it built, or an older one that was built to be run by later ones.

    NVIDIA's rule: within a major version, from 8 to 10, and from 10 to 11.
    """
    if version == card.tensorrt_version:
        return True
    if card.flavour != "tensorrt" or not card.options.version_compatible:
        return False
    here, built = (
        tuple(int(part) for part in re.findall(r"\d+", text)[:3]) for text in (version, card.tensorrt_version)
    )
    return here >= built and here[0] in {8: (8, 10), 10: (10, 11)}.get(built[0], (built[0],))


class TrtEngine:
    """A deserialised engine; gives contexts that run it. `close` drops both it and what it learnt (RTX's cache)."""

    def __init__(self, path: Path, card: EngineCard, tensorrt: TensorRT) -> None:
        """Read the engine. Raises CoconetError if TensorRT refuses it or its tensors are not those of the card."""
        self._path, self._card, self._tensorrt = path, card, tensorrt
        tensorrt.messages.clear()
        self._runtime = tensorrt.module.Runtime(tensorrt.logger)
        if card.options.version_compatible:
            self._runtime.engine_host_code_allowed = True  # such an engine brings the code that runs it
        self._engine: Any = self._runtime.deserialize_cuda_engine(path.read_bytes())
        if self._engine is None:
            wanted = f"an engine that TensorRT can read (in its header: {plan_origin(path)})"
            raise self._refused(wanted, f"cannot be read (its header says {plan_origin(path)})")
        _check_tensors(path, card, tensorrt.module, self._engine)
        self._config, self._cache = self._runtime_config()

    @property
    def cache_path(self) -> Path:
        """Where TensorRT for RTX keeps the kernels it compiled for this GPU: beside the engine."""
        return self._path.with_name(f"{self._path.name}.{self._tensorrt.targets[0]}.cache")

    def new_context(self, profiler: Any = None) -> TrtContext:
        """Make a context, with scratch memory of its own. profiler: TensorRT's IProfiler, or None."""
        arguments = () if self._config is None else (self._config,)
        context = self._engine.create_execution_context(*arguments)
        if context is None:
            raise self._refused("enough GPU memory for the engine", "cannot be made ready to run")
        if profiler is not None:
            context.profiler = profiler
        captures = self._tensorrt.flavour == "tensorrt" and profiler is None  # RTX captures by itself
        return TrtContext(context, self._engine, captures, self._refused, self._tensorrt.messages)

    def layers(self) -> str:
        """What TensorRT made of the graph, layer by layer, as its JSON; with types if it was built to tell them."""
        trt = self._tensorrt.module
        inspector = self._engine.create_engine_inspector()
        return str(inspector.get_engine_information(trt.LayerInformationFormat.JSON))

    def close(self) -> None:
        """Save RTX's cache and drop the engine; a second call does nothing."""
        cache, self._cache, self._config = self._cache, None, None
        if cache is not None:
            self._save(cache)
        self._engine = self._runtime = None

    def _runtime_config(self) -> tuple[Any, Any]:
        """For TensorRT for RTX: CUDA graphs of its own, and the kernels that an earlier run compiled."""
        if self._tensorrt.flavour != "tensorrt_rtx":
            return None, None
        config = self._engine.create_runtime_config()
        config.cuda_graph_strategy = self._tensorrt.module.CudaGraphStrategy.WHOLE_GRAPH_CAPTURE
        cache = config.create_runtime_cache()
        if self.cache_path.is_file() and not cache.deserialize(self.cache_path.read_bytes()):
            LOG.info("%s is of another TensorRT or driver and will be rewritten", self.cache_path)
        config.set_runtime_cache(cache)
        return config, cache

    def _save(self, cache: Any) -> None:
        kernels = cache.serialize()
        try:
            with whole_file(self.cache_path) as scratch:
                scratch.write_bytes(kernels)
        except (OSError, CoconetError) as error:  # the next start is slower, nothing else
            LOG.warning("the compiled kernels are not kept: %s", error)

    def _refused(self, wanted: str, fault: str) -> CoconetError:
        said = self._tensorrt.last_error
        told = f"TensorRT {self._tensorrt.version}"
        got = f"from {told}: {said or 'a refusal without a reason'}"
        says = f"{fault}: {said} ({told})" if said else f"{fault}, and {told} gives no reason"
        return CoconetError(self._path, wanted=wanted, got=got, remedy=BUILD, says=says)


class TrtContext:
    """Runs an engine at one frame size at a time; implements coconet.runtime.backends.tensorrt.transfer_ring.GpuEngine.

    One thread at a time. capturable: whether its work may be recorded into a CUDA graph.
    """

    def __init__(
        self,
        context: Any,
        engine: Any,
        capturable: bool,
        refused: Callable[[str, str], CoconetError],
        messages: Messages,
    ) -> None:
        self.capturable = capturable
        names = (engine.get_tensor_name(index) for index in range(engine.num_io_tensors))
        self._inputs = [name for name in names if name != FUSED]
        self._context, self._engine, self._refused, self._messages = context, engine, refused, messages

    def close(self) -> None:
        """Give back the context and its scratch memory, whatever still refers to this; a second call does nothing."""
        self._context = None

    def set_size(self, size: FrameSize, infrared: FrameSize | None = None) -> dict[str, Shape]:
        """Choose a frame size and return the shapes of all three pictures. Raises CoconetError for one out of range.

        infrared: the size of infrared pictures, if they have one of their own.
        """
        self._messages.clear()
        for name in self._inputs:
            shape, own = tuple(self._engine.get_tensor_shape(name)), (infrared or size) if name == INFRARED else size
            self._check_range(name, shape, own)
            if not self._context.set_input_shape(name, (1, own.height_px, own.width_px, shape[3])):
                raise self._refused(f"an engine that takes {name} frames of {own}", f"takes no {name} frames of {own}")
        missing = self._context.infer_shapes()
        names = [*(name for name in self._inputs if name != WARP), FUSED]
        shapes = {name: tuple(self._context.get_tensor_shape(name)) for name in names}
        if missing or any(side < 1 for shape in shapes.values() for side in shape):
            wanted = f"an engine that knows its output for frames of {size}"
            raise self._refused(wanted, f"gives no picture for frames of {size}")
        return {name: (shape[1], shape[2], shape[3]) for name, shape in shapes.items()}

    def enqueue(self, addresses: Mapping[str, int], stream: GpuObject) -> None:
        """Enqueue the engine. addresses: on the GPU, by tensor name. Raises CoconetError if TensorRT refuses."""
        self._messages.clear()  # a failed capture may have left some, which are not the reason of what comes now
        for name, address in addresses.items():
            if not self._context.set_tensor_address(name, address):
                raise self._refused(f"an engine with the tensor {name}", f"has no tensor {name}")
        if not self._context.execute_async_v3(stream.handle):
            raise self._refused("an engine that runs", "does not run")

    def _check_range(self, name: str, shape: tuple[int, ...], size: FrameSize) -> None:
        if -1 not in shape:
            smallest = largest = shape
        else:
            smallest, _, largest = (tuple(found) for found in self._engine.get_tensor_profile_shape(name, 0))
        sides = (size.height_px, size.width_px)
        if not all(low <= side <= high for low, side, high in zip(smallest[1:3], sides, largest[1:3], strict=True)):
            raise CoconetError(
                f"frame of {size}",
                wanted=f"{FrameSize(*smallest[1:3])} to {FrameSize(*largest[1:3])}, what this engine was built for",
                got=str(size),
                remedy="Build the engine for this size too: coconet build --min --opt --max.",
                says=f"is outside what this engine was built for, {FrameSize(*smallest[1:3])} to "
                f"{FrameSize(*largest[1:3])}",
            )


def _check_tensors(path: Path, card: EngineCard, trt: Any, engine: Any) -> None:
    """Refuse an engine that does not take and give uint8 pictures under our names."""
    names = [engine.get_tensor_name(index) for index in range(engine.num_io_tensors)]
    inputs = {name for name in names if engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT}
    depths = card.model.input_depths
    if inputs != set(depths) or set(names) - inputs != {FUSED}:
        wanted = f"inputs {' and '.join(depths)} and output {FUSED}"
        raise _not_of_card(path, wanted, f"tensors {', '.join(names)}")
    for name in names:
        depth, kind = depths.get(name, card.model.visible_channels), "float" if name == WARP else "uint8"
        shape, dtype = tuple(engine.get_tensor_shape(name)), engine.get_tensor_dtype(name)
        layout = len(shape) == 4 and shape[0] == 1 and shape[3] in (depth, *([-1] if name == FUSED else []))
        if dtype != getattr(trt.DataType, kind.upper()) or not layout:
            wanted = f"{name} as {kind} of shape (1, height, width, {depth})"
            raise _not_of_card(path, wanted, f"{dtype.name.lower()} of shape {shape}")


def _not_of_card(path: Path, wanted: str, got: str) -> CoconetError:
    says = f"is unlike its card, which says {wanted}: it has {got}"
    return CoconetError(path, wanted=f"an engine as its card says: {wanted}", got=got, remedy=BUILD, says=says)
