"""A build made ready: the model, read once, the TensorRT that builds, opened once, and the options."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from coconet.cards.engine_card import BuildKey, BuildOptions, EngineCard
from coconet.export.engines.engine_source import EngineSource
from coconet.export.engines.tensorrt_flavour import open_tensorrt
from coconet.model_endings import ENGINE_SUFFIX
from coconet.runtime.backends.tensorrt.module import TensorRT


@dataclass(frozen=True)
class EngineJob:
    """All that goes into an engine; it answers what a build asks, so that nothing is read or opened a second time.

    tensorrt: opened for options.gpus.
    """

    source: EngineSource
    tensorrt: TensorRT
    options: BuildOptions

    @property
    def key(self) -> BuildKey:
        """What distinguishes the engine from others."""
        trt = self.tensorrt
        return BuildKey(self.source.sha256, trt.flavour, trt.version, trt.targets, trt.device, self.options)

    @property
    def default_path(self) -> Path:
        """A name beside the ONNX file that says precision and GPUs, such as `lite.fp16.sm86.engine`."""
        onnx, precision = self.source.path, self.source.card.precision
        stem = onnx.stem if precision in onnx.stem.split(".") else f"{onnx.stem}.{precision}"
        return onnx.with_name(f"{stem}.{'-'.join(self.tensorrt.targets)}{ENGINE_SUFFIX}")

    def card(self) -> EngineCard:
        """The card but for the hash of the engine, which is not written yet."""
        return EngineCard(
            model=self.source.card,
            onnx_sha256=self.source.sha256,
            engine_sha256="",
            flavour=self.tensorrt.flavour,
            tensorrt_version=self.tensorrt.version,
            targets=self.tensorrt.targets,
            device=self.tensorrt.device,
            options=self.options,
        )


def open_job(source: EngineSource, options: BuildOptions) -> EngineJob:
    """Open the TensorRT that builds for the GPUs of the options, as open_tensorrt does and with its errors."""
    return EngineJob(source, open_tensorrt(options.gpus), options)
