"""The command line of NVIDIA's own tool that builds the same engine, to compare with, or to report a fault with."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

from coconet.export.engines.engine_job import EngineJob
from coconet.export.engines.input_ranges import Shape, input_ranges
from coconet.export.engines.tensorrt_flavour import must_ask_for_strong_typing
from coconet.runtime.backends.tensorrt.cuda_device import chosen_device


def trtexec_line(job: EngineJob, out: Path, device: int | None = None) -> str:
    """Write the call of `trtexec`, or of `tensorrt_rtx`, that builds the engine of a job; quoted for a shell.

    device: the GPU of --device, which this process was told of by its environment; one that is built for without a GPU
    has none.
    """
    rtx = job.tensorrt.flavour == "tensorrt_rtx"
    given = [] if rtx or device is None else [f"{name}={shlex.quote(value)}" for name, value in chosen_device()]
    words = [f"--onnx={job.source.path}", f"--saveEngine={out}", *_options(job), "--skipInference"]
    return " ".join([*given, shlex.join(["tensorrt_rtx" if rtx else "trtexec", *words])])


def _options(job: EngineJob) -> Iterator[str]:
    tensorrt, options = job.tensorrt, job.options
    if tensorrt.flavour == "tensorrt_rtx":
        yield f"--computeCapabilities={','.join(name.removeprefix('sm') for name in tensorrt.targets)}"
    elif must_ask_for_strong_typing(tensorrt.module):
        yield "--stronglyTyped"
    yield from _shapes(input_ranges(job.source.card, options.profile))
    if options.workspace_mib is not None:
        yield f"--memPoolSize=workspace:{options.workspace_mib}"
    if options.optimization_level is not None:
        yield f"--builderOptimizationLevel={options.optimization_level}"
    if options.version_compatible:
        yield "--versionCompatible"
    if options.same_compute_capability:
        yield "--hardwareCompatibilityLevel=sameComputeCapability"
    if options.layers:
        yield "--profilingVerbosity=detailed"


def _shapes(ranges: dict[str, tuple[Shape, Shape, Shape]]) -> Iterator[str]:
    for place, end in enumerate(("min", "opt", "max") if ranges else ()):
        named = (f"{name}:{'x'.join(map(str, ends[place]))}" for name, ends in ranges.items())
        yield f"--{end}Shapes={','.join(named)}"
