"""Engines built from a file in one call."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from coconet.cards.engine_card import BuildOptions, EngineCard
from coconet.export.engines.engine import BuildAids, build_engine
from coconet.export.engines.engine_job import EngineJob, open_job
from coconet.export.engines.engine_source import read_engine_source
from tests.support.models.device_tensorrt import device_tensorrt


def job_of(model: Path, options: BuildOptions) -> EngineJob:
    """Read a model and open the TensorRT that builds it."""
    return open_job(read_engine_source(model), options)


def build_file(model: Path, out: Path, options: BuildOptions, aids: BuildAids | None = None) -> EngineCard:
    """Build the engine of a model file, and give its card."""
    return build_engine(job_of(model, options), out, aids)


def device_job(model: Path, **changes: Any) -> EngineJob:
    """A build with the TensorRT of a device, some of it changed."""
    return EngineJob(read_engine_source(model), replace(device_tensorrt(), **changes), BuildOptions())
