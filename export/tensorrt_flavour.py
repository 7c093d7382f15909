"""Which TensorRT builds: that of this device, or TensorRT for RTX for named GPUs; what differs between their versions.

What differs is asked by feature, never by stored numbers: TensorRT moved the values of its flags at 10.0 and at 11.0.
"""

from __future__ import annotations

import functools
import importlib
import logging
from dataclasses import dataclass, field
from typing import Any

from coconet.engine_card import Flavour
from coconet.errors import CoconetError, MissingPackage
from export.cuda_device import first_cuda_device

LOG = logging.getLogger("coconet.tensorrt")

NO_GPU_NOISE = "catchCudaError"
"""In the line by which TensorRT for RTX says after any other error that it found no GPU, which a build needs not."""


@dataclass(frozen=True)
class Messages:
    """What TensorRT said since the last build began, in order."""

    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def clear(self) -> None:
        """Forget them."""
        self.errors.clear()
        self.warnings.clear()

    def log_warnings(self) -> None:
        """Pass each warning on once to Python's logging: TensorRT repeats itself for every layer."""
        for text in dict.fromkeys(self.warnings):
            LOG.warning(text)


@dataclass(frozen=True)
class TensorRT:
    """A loaded TensorRT.

    module: its Python module. logger: the one logger of this process, as TensorRT ignores any later one.
    messages: what the logger was told.
    targets: the compute capabilities to build for, such as `sm86`. device: the name of this machine's GPU, if it is
    for that one.
    """

    flavour: Flavour
    module: Any
    logger: Any
    messages: Messages
    targets: tuple[str, ...]
    device: str | None = None

    @property
    def version(self) -> str:
        """The version as TensorRT writes it, such as 10.3.0."""
        return str(self.module.__version__)


def open_tensorrt(gpus: tuple[str, ...]) -> TensorRT:
    """TensorRT for RTX for these GPUs, or, where none is named, the TensorRT of this device.

    Raises MissingPackage where it is not installed, and CoconetError where it does not know a GPU or there is none.
    """
    if gpus:
        module = rtx_module()
        _known_capabilities(module, gpus)
        return TensorRT("tensorrt_rtx", module, *_process_logger(module), gpus)
    device = first_cuda_device()  # first of all: a missing driver must be a sentence and not a crash
    module = _imported("tensorrt", extra="tensorrt")
    return TensorRT("tensorrt", module, *_process_logger(module), (device.sm,), device.name)


def rtx_module() -> Any:
    """Import TensorRT for RTX by the name of its one package, or by that of the bindings beside its libraries."""
    try:
        return importlib.import_module("tensorrt_rtx")
    except ImportError:
        _imported("tensorrt_rtx_libs", extra="rtx")  # loads the shared libraries that the bindings need
        return _imported("tensorrt_rtx_bindings", extra="rtx")


def creation_flags(trt: Any) -> int:
    """Return the flags of a network whose types are those of the graph.

    TensorRT 8 wants to be told of the batch dimension, 10 of strong typing; 11 and TensorRT for RTX know nothing else.
    """
    flags = trt.NetworkDefinitionCreationFlag
    if not hasattr(flags, "EXPLICIT_BATCH"):
        return 0
    return 1 << int(getattr(flags, "STRONGLY_TYPED", flags.EXPLICIT_BATCH))


def types_networks_strongly(trt: Any) -> bool:
    """Whether FP16 and INT8 in the graph are kept as they stand; TensorRT 8 decides precision by itself."""
    return hasattr(trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED")


def set_targets(tensorrt: TensorRT, config: Any) -> None:
    """Name the GPUs to build for, where this TensorRT can be told."""
    if tensorrt.flavour != "tensorrt_rtx":
        return
    capabilities = _known_capabilities(tensorrt.module, tensorrt.targets)
    config.num_compute_capabilities = len(capabilities)
    for index, capability in enumerate(capabilities):
        config.set_compute_capability(capability, index)


def _known_capabilities(trt: Any, gpus: tuple[str, ...]) -> list[Any]:
    known = {name.lower(): value for name, value in trt.ComputeCapability.__members__.items() if name.startswith("SM")}
    for gpu in gpus:
        if gpu not in known:
            raise CoconetError(
                f"GPU {gpu}",
                wanted=f"one that TensorRT for RTX {trt.__version__} builds for: {', '.join(known)}",
                got=gpu,
                remedy="Build on that device itself, with its TensorRT: coconet build without --gpu.",
            )
    return [known[gpu] for gpu in gpus]


def _imported(package: str, *, extra: str) -> Any:
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise MissingPackage(package, job="building engines", extra=extra) from error


def in_one_line(trt: Any, text: str) -> str:
    """Join the lines of a message, of TensorRT for RTX without the one about a GPU that its builds do not need."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " ".join(line for line in lines if not (NO_GPU_NOISE in line and hasattr(trt, "ComputeCapability")))


@functools.cache
def _process_logger(trt: Any) -> tuple[Any, Messages]:
    """Make the logger of this module, once for the life of the process, and the place where it keeps messages.

    All it is told goes to Python's logging as well, under the name coconet.tensorrt at level debug.
    """
    severity = trt.ILogger.Severity
    messages = Messages()
    kept = {severity.INTERNAL_ERROR: messages.errors, severity.ERROR: messages.errors}
    kept[severity.WARNING] = messages.warnings

    class Logger(trt.ILogger):  # type: ignore[misc]
        def log(self, level: Any, text: str) -> None:
            LOG.debug(text)
            if level in kept and (line := in_one_line(trt, text)):
                kept[level].append(line)

    return Logger(), messages
