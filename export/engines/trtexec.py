"""The command line of NVIDIA's own tool that builds the same engine, for whoever wants to compare or to report."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

from coconet.cards.frame_size import FrameSize, SizeProfile
from coconet.cards.model_card import INFRARED, VISIBLE, ModelCard
from coconet.export.engines.engine_job import EngineJob
from coconet.export.engines.tensorrt_flavour import must_ask_for_strong_typing


def trtexec_line(job: EngineJob, out: Path) -> str:
    """Write the call of `trtexec`, or of `tensorrt_rtx`, that builds the engine of a job; quoted for a shell."""
    tool = "tensorrt_rtx" if job.tensorrt.flavour == "tensorrt_rtx" else "trtexec"
    return shlex.join([tool, f"--onnx={job.source.path}", f"--saveEngine={out}", *_options(job), "--skipInference"])


def _options(job: EngineJob) -> Iterator[str]:
    tensorrt, options = job.tensorrt, job.options
    if tensorrt.flavour == "tensorrt_rtx":
        yield f"--computeCapabilities={','.join(name.removeprefix('sm') for name in tensorrt.targets)}"
    elif must_ask_for_strong_typing(tensorrt.module):
        yield "--stronglyTyped"
    if options.profile is not None:
        yield from _shapes(job.source.card, options.profile)
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


def _shapes(card: ModelCard, profile: SizeProfile) -> Iterator[str]:
    for name, size in (("min", profile.minimum), ("opt", profile.optimum), ("max", profile.maximum)):
        inputs = {VISIBLE: card.visible_channels, INFRARED: 1}
        yield f"--{name}Shapes=" + ",".join(
            f"{tensor}:{_shape(card, size, channels)}" for tensor, channels in inputs.items()
        )


def _shape(card: ModelCard, size: FrameSize, channels: int) -> str:
    height, width = card.height_px or size.height_px, card.width_px or size.width_px
    return f"{card.batch}x{height}x{width}x{channels}"
