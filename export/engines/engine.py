"""ONNX to TensorRT engine, with its card and the timing cache that makes the next build shorter."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from coconet.cards.engine_card import BuildOptions, EngineCard, card_path
from coconet.cards.frame_size import SizeProfile
from coconet.cards.model_card import FUSED, VISIBLE, WARP
from coconet.cards.precision import PRECISIONS, REFERENCE, labels
from coconet.errors import CoconetError, first_line
from coconet.event_log import warn_once
from coconet.export.engines.build_progress import BuildProgress, NoProgress, progress_monitor
from coconet.export.engines.engine_job import EngineJob
from coconet.export.engines.engine_source import EngineSource
from coconet.export.engines.input_ranges import input_ranges
from coconet.export.engines.tensorrt_flavour import (
    creation_flags,
    set_compatibility,
    set_targets,
    types_networks_strongly,
)
from coconet.files import make_folder, sha256_of, whole_file
from coconet.model_endings import ENGINE_SUFFIX
from coconet.runtime.backends.tensorrt.module import TensorRT, in_one_line
from coconet.writing.outputs import check_writable
from coconet.writing.together import whole_together


def use_timing_cache(trt: Any, config: Any, path: Path) -> bool:
    """Give a builder configuration the measurements in a file, or an empty cache; False if there is none to give.

    TensorRT for RTX, which measures nothing when it builds, would look for a GPU if asked, and so is not. What another
    device or version measured is refused by TensorRT, and then left out.
    """
    if hasattr(trt, "ComputeCapability"):
        return False
    try:
        blob = path.read_bytes()
    except OSError:  # not there, or not ours to read
        blob = b""
    cache = config.create_timing_cache(blob)
    if cache is None or not config.set_timing_cache(cache, ignore_mismatch=False):
        config.set_timing_cache(config.create_timing_cache(b""), ignore_mismatch=False)
    return True


def store_timing_cache(config: Any, path: Path) -> None:
    """Write what a build measured, with what it had been given, whole or not at all.

    A folder that cannot be written to costs the next build its time, and this one a warning.
    """
    try:
        make_folder(path.parent)
        with whole_file(path) as scratch:
            scratch.write_bytes(memoryview(config.get_timing_cache().serialize()))
    except (CoconetError, OSError) as error:
        warn_once(f"what TensorRT measured is not kept for the next build: {error}")


EXPORT = "Export the model again with coconet export."

Check = Callable[[Path], object]
"""Raises where an engine is not to get its name."""


@dataclass(frozen=True)
class BuildAids:
    """What goes with a build and changes nothing in the engine.

    progress: shows how far the build is. timing: a file that keeps what TensorRT measures from one build on this device
    to the next. check: called with the engine under a scratch name, its card beside it; its errors end the build.
    """

    progress: BuildProgress = field(default_factory=NoProgress)
    timing: Path | None = None
    check: Check | None = None


def build_engine(job: EngineJob, out: Path, aids: BuildAids | None = None) -> EngineCard:
    """Build an engine with exactly the types of the graph, and write it and its card, or neither.

    Raises CoconetError if the engine cannot be written to `out`, and if TensorRT refuses the graph.
    """
    aids = aids or BuildAids()
    check_destination(out)
    plan = _built(job, aids)
    return _written(out, plan, job.card(), aids.check)


def check_destination(out: Path) -> None:
    """Raise CoconetError if no engine can be written: before the build, which may take minutes."""
    if out.suffix != ENGINE_SUFFIX:
        got = out.suffix or "no ending"
        says = f"has {f'the ending {got}' if out.suffix else got}; an engine ends in {ENGINE_SUFFIX}"
        wanted = f"a name that ends in {ENGINE_SUFFIX}"
        raise CoconetError(out, wanted=wanted, got=got, remedy="Change the ending.", says=says)
    check_writable(out)


def _built(job: EngineJob, aids: BuildAids) -> Any:
    """Build the serialised engine, a buffer of bytes."""
    source, tensorrt, options = job.source, job.tensorrt, job.options
    trt = tensorrt.module
    tensorrt.messages.clear()
    _check_precision(source, tensorrt)
    builder = _new_builder(tensorrt)
    network = builder.create_network(creation_flags(trt))
    parser = trt.OnnxParser(network, tensorrt.logger)  # holds the weights until the engine is built
    _parse(source, trt, parser)
    _check_camera_ready(source, trt, network)
    config = builder.create_builder_config()
    set_targets(tensorrt, config)
    set_compatibility(tensorrt, config, options)
    _set_limits(trt, config, options)
    profile = _profile(source, builder, network, options.profile)
    if profile is not None:
        config.add_optimization_profile(profile)
    monitor = progress_monitor(trt, aids.progress)
    if monitor is not None:
        config.progress_monitor = monitor
    measured = aids.timing is not None and use_timing_cache(trt, config, aids.timing)
    plan = builder.build_serialized_network(network, config)
    if monitor is not None and monitor.failure is not None:
        raise monitor.failure
    if plan is None:
        raise _refused(source, tensorrt)
    if aids.timing is not None and measured:
        store_timing_cache(config, aids.timing)
    tensorrt.messages.log_warnings()
    return plan


def _check_precision(source: EngineSource, tensorrt: TensorRT) -> None:
    if PRECISIONS[source.card.precision].strongly_typed and not types_networks_strongly(tensorrt.module):
        reference = PRECISIONS[REFERENCE].label
        typed = labels(tuple(record for record in PRECISIONS.values() if record.strongly_typed), "and")
        raise CoconetError(
            source.path,
            wanted=f"TensorRT 10 or later, which builds {typed} as the graph has them",
            got=f"TensorRT {tensorrt.version} and a model of precision {source.card.precision}",
            remedy=f"Update the device (JetPack 6.1 or later has TensorRT 10), or build the {reference} model.",
            says=f"is a model of precision {source.card.precision}, which TensorRT {tensorrt.version} does not build",
        )


def _new_builder(tensorrt: TensorRT) -> Any:
    try:
        return tensorrt.module.Builder(tensorrt.logger)
    except (TypeError, RuntimeError) as error:  # what the bindings raise where the library gives no builder
        raise CoconetError(
            f"TensorRT {tensorrt.version}",
            wanted="a TensorRT that fits the driver of this machine",
            got=tensorrt.last_error or first_line(error),
            remedy="Install the TensorRT that came with this driver or JetPack.",
            says=f"does not start on this machine: {tensorrt.last_error or 'it gives no builder of engines'}",
        ) from error


def _parse(source: EngineSource, trt: Any, parser: Any) -> None:
    if not parser.parse(source.content, str(source.path)):  # the path is where weights in files of their own lie
        found = parser.get_error(0)
        node = found.node_name() if hasattr(found, "node_name") else ""  # from 10.0
        raise CoconetError(
            f"{source.path}, node {node or found.node()}",
            wanted="a graph that TensorRT's parser takes",
            got=in_one_line(trt, found.desc()),
            remedy=EXPORT,
            says=f"is refused by TensorRT: {in_one_line(trt, found.desc())}",
        )


def _check_camera_ready(source: EngineSource, trt: Any, network: Any) -> None:
    """Refuse a parsed network that does not take and give what its card says under our names."""
    inputs = {tensor.name: tensor for tensor in map(network.get_input, range(network.num_inputs))}
    outputs = {tensor.name: tensor for tensor in map(network.get_output, range(network.num_outputs))}
    channels = source.card.input_depths
    if inputs.keys() != channels.keys() or outputs.keys() != {FUSED}:
        got = f"inputs {', '.join(inputs)} and outputs {', '.join(outputs)}"
        raise _not_camera_ready(source, f"inputs {' and '.join(channels)} and output {FUSED}", got)
    for name, tensor in {**inputs, **outputs}.items():
        depth, shape = channels.get(name, source.card.visible_channels), tuple(tensor.shape)
        layout = (
            len(shape) == 4 and shape[0] == source.card.batch and shape[3] in (depth, *([-1] if name == FUSED else []))
        )
        kind = "float" if name == WARP else "uint8"
        if tensor.dtype != getattr(trt.DataType, kind.upper()) or not layout:
            wanted = f"{name} as {kind} of shape ({source.card.batch}, height, width, {depth})"
            raise _not_camera_ready(source, wanted, f"{tensor.dtype.name.lower()} of shape {shape}")


def _set_limits(trt: Any, config: Any, options: BuildOptions) -> None:
    if options.workspace_mib is not None:
        config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, options.workspace_mib << 20)
    if options.optimization_level is not None:
        config.builder_optimization_level = options.optimization_level


def _profile(source: EngineSource, builder: Any, network: Any, sizes: SizeProfile | None) -> Any:
    """Make TensorRT's profile of the shapes of `input_ranges`; None for a model whose shapes are all fixed.

    Raises CoconetError if sizes and model do not go together.
    """
    shapes = {tensor.name: tuple(tensor.shape) for tensor in map(network.get_input, range(network.num_inputs))}
    if (-1 in shapes[VISIBLE]) != (sizes is not None):
        raise _profile_mismatch(source, shapes[VISIBLE])
    ranges = input_ranges(source.card, sizes)
    if not ranges:
        return None
    profile = builder.create_optimization_profile()
    for name, ends in ranges.items():
        profile.set_shape(name, *ends)
    return profile


def _written(out: Path, plan: Any, card: EngineCard, check: Check | None) -> EngineCard:
    """Complete both files before either gets its name; the engine comes last, so that none lacks its card."""
    with whole_together(card_path(out), out) as (card_scratch, engine_scratch):
        engine_scratch.write_bytes(plan)
        card = replace(card, engine_sha256=sha256_of(engine_scratch))
        card_scratch.write_text(card.to_json() + "\n", encoding="utf-8")
        if check is not None:
            _checked(engine_scratch, card_scratch, check)
    return card


def _checked(engine: Path, card: Path, check: Check) -> None:
    """Run the check where the card lies beside the engine, as it will under their final names."""
    beside = card_path(engine)
    try:
        shutil.copyfile(card, beside)
        check(engine)
    finally:
        beside.unlink(missing_ok=True)


def _not_camera_ready(source: EngineSource, wanted: str, got: str) -> CoconetError:
    return CoconetError(
        source.path,
        wanted=f"a camera-ready model: {wanted}",
        got=got,
        remedy=EXPORT,
        says=f"is not a camera-ready model: it has {got}, not {wanted}",
    )


def _profile_mismatch(source: EngineSource, shape: tuple[int, ...]) -> CoconetError:
    _, height, width, _ = shape
    if height > 0 and width > 0:
        return CoconetError(
            source.path,
            wanted="no --min, --opt and --max for a model of one frame size",
            got=f"a model for {height}x{width}",
            remedy="Leave them out, or export a model that takes any size.",
            says=f"was exported for {height}x{width} alone, so --min, --opt and --max do not apply",
        )
    return CoconetError(
        source.path,
        wanted="the frame sizes of a model that takes any",
        got="none",
        remedy="Give them as height x width, for example --min 256x320 --opt 480x640 --max 1024x1280.",
        says="takes frames of any size, so that an engine needs to know which sizes to be built for",
    )


def _refused(source: EngineSource, tensorrt: TensorRT) -> CoconetError:
    return CoconetError(
        source.path,
        wanted=f"a graph that TensorRT {tensorrt.version} can build for {', '.join(tensorrt.targets)}",
        got=tensorrt.last_error or "a refusal without a reason",
        remedy="If it speaks of workspace or memory, change --workspace-mib; otherwise export the model again.",
        says=f"cannot be built by TensorRT {tensorrt.version} for {', '.join(tensorrt.targets)}: "
        f"{tensorrt.last_error or 'it gives no reason'}",
    )
