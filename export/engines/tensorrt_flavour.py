"""Which TensorRT builds: that of this device, or TensorRT for RTX for named GPUs; what differs between their versions.

What differs is asked by feature, never by stored numbers: TensorRT moved the values of its flags at 10.0 and at 11.0.
"""

from __future__ import annotations

from typing import Any

from coconet.cards.engine_card import BuildOptions
from coconet.errors import CoconetError
from coconet.runtime.backends.tensorrt.cuda_device import first_cuda_device
from coconet.runtime.backends.tensorrt.module import TensorRT, process_logger, rtx_module, tensorrt_module

OR_WITHOUT = "Build on the device that will run the engine, or name the GPU with --gpu sm86 to build without one."


def open_tensorrt(gpus: tuple[str, ...]) -> TensorRT:
    """TensorRT for RTX for these GPUs, or, if none is named, the TensorRT of this device.

    Raises MissingPackage if it is not installed, and CoconetError if it does not know a GPU or there is none.
    """
    if gpus:
        module = rtx_module()
        _known_capabilities(module, gpus)
        return TensorRT("tensorrt_rtx", module, *process_logger(module), gpus)
    device = first_cuda_device(OR_WITHOUT)  # first of all: a missing driver must be a sentence and not a crash
    module = tensorrt_module("building engines")
    return TensorRT("tensorrt", module, *process_logger(module), (device.sm,), device.identity)


def runs_here(gpus: tuple[str, ...]) -> bool:
    """Whether this machine has the GPU that an engine is built for; none named means its own."""
    if not gpus:
        return True
    try:
        return first_cuda_device().sm in gpus
    except CoconetError:
        return False


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


def must_ask_for_strong_typing(trt: Any) -> bool:
    """Whether a network is strongly typed only if that is asked for: TensorRT 10. Later ones know nothing else."""
    return types_networks_strongly(trt) and hasattr(trt.NetworkDefinitionCreationFlag, "EXPLICIT_BATCH")


def set_compatibility(tensorrt: TensorRT, config: Any, options: BuildOptions) -> None:
    """Let other versions or boards run the engine, if that is asked for. Raises CoconetError if it cannot be had."""
    trt = tensorrt.module
    asked = {
        "--version-compatible": options.version_compatible,
        "--same-compute-capability": options.same_compute_capability,
    }
    given = [option for option, is_given in asked.items() if is_given]
    if tensorrt.flavour == "tensorrt_rtx" and given:
        raise CoconetError(
            "coconet build",
            wanted=f"neither {' nor '.join(asked)} with --gpu",
            got=" and ".join(["--gpu", *given]),
            remedy=f"Leave {' and '.join(given)} out: engines of TensorRT for RTX run on every GPU that --gpu names.",
            says=f"does not take {' and '.join(given)} with --gpu",
        )
    if options.version_compatible:
        config.set_flag(trt.BuilderFlag.VERSION_COMPATIBLE)
    if options.same_compute_capability:
        levels = trt.HardwareCompatibilityLevel
        if not hasattr(levels, "SAME_COMPUTE_CAPABILITY"):
            raise CoconetError(
                "--same-compute-capability",
                wanted="TensorRT 10.9 or later",
                got=f"TensorRT {tensorrt.version}",
                remedy="Build the engine on each board.",
                says=f"needs TensorRT 10.9 or later; this is {tensorrt.version}",
            )
        config.hardware_compatibility_level = levels.SAME_COMPUTE_CAPABILITY
    if options.layers:
        config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED


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
                says=f"is not one that TensorRT for RTX {trt.__version__} builds for: {', '.join(known)}",
            )
    return [known[gpu] for gpu in gpus]
