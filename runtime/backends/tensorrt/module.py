"""The Python module of TensorRT or TensorRT for RTX, with the one logger of this process and what it was told."""

from __future__ import annotations

import functools
import importlib
import logging
import re
from dataclasses import dataclass, field
from typing import Any

from coconet.cards.engine_card import DeviceIdentity, Flavour
from coconet.commands.__main__ import called_by_native_code
from coconet.errors import MissingPackage

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
            LOG.warning("TensorRT warns: %s", text)


@dataclass(frozen=True)
class TensorRT:
    """A loaded TensorRT.

    module: its Python module. logger: the one logger of this process, as TensorRT ignores any later one.
    messages: what the logger was told.
    targets: the compute capabilities to build for or to run on, such as `sm86`. device: this machine's
    GPU, if it is for that one.
    """

    flavour: Flavour
    module: Any
    logger: Any
    messages: Messages
    targets: tuple[str, ...]
    device: DeviceIdentity | None = None

    @property
    def version(self) -> str:
        """The version as TensorRT writes it, such as 10.3.0."""
        return str(self.module.__version__)

    @property
    def last_error(self) -> str | None:
        """The reason of a refusal: before it TensorRT may have told of tactics that it merely skipped."""
        return without_origin(self.messages.errors[-1]) if self.messages.errors else None


def tensorrt_module(job: str) -> Any:
    """Import TensorRT. job: what it is wanted for. Raises MissingPackage if it is not installed."""
    return _imported("tensorrt", job, extra="tensorrt")


def rtx_module(job: str = "building engines") -> Any:
    """Import TensorRT for RTX by the name of its one package, or by that of the bindings beside its libraries."""
    try:
        return importlib.import_module("tensorrt_rtx")
    except ImportError:
        _imported("tensorrt_rtx_libs", job, extra="rtx")  # loads the shared libraries that the bindings need
        return _imported("tensorrt_rtx_bindings", job, extra="rtx")


def in_one_line(trt: Any, text: str) -> str:
    """Join the lines of a message, of TensorRT for RTX without the one about a GPU that its builds do not need."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " ".join(line for line in lines if not (NO_GPU_NOISE in line and hasattr(trt, "ComputeCapability")))


_ORIGIN = re.compile(r"^(?:\S+::\S+: )?(?:\[\S+::\d+\] )?(?:Error Code \d+: )?")

_KIND = re.compile(
    r"(?:API Usage|Internal|Myelin|Parameter|Cuda Runtime|Cuda Driver|Serialization)(?: Error)? \((.*)\)\.?"
)


def without_origin(text: str) -> str:
    """What a message says, without TensorRT's source file, its function, and the number and name of the error."""
    said = _ORIGIN.sub("", text)
    inner = _KIND.fullmatch(said)
    return inner[1] if inner else said


@functools.cache
def process_logger(trt: Any) -> tuple[Any, Messages]:
    """Make the logger of this module, once for the life of the process, and the place where it keeps messages.

    All it is told goes to Python's logging as well, under the name coconet.tensorrt at level debug.
    """
    severity = trt.ILogger.Severity
    messages = Messages()
    kept = {severity.INTERNAL_ERROR: messages.errors, severity.ERROR: messages.errors}
    kept[severity.WARNING] = messages.warnings

    class Logger(trt.ILogger):  # type: ignore[misc]
        @called_by_native_code
        def log(self, level: Any, text: str) -> None:
            LOG.debug(text)
            if level in kept and (line := in_one_line(trt, text)):
                kept[level].append(line)

    return Logger(), messages


def _imported(package: str, job: str, *, extra: str) -> Any:
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise MissingPackage(package, job=job, extra=extra) from error
