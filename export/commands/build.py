"""`coconet build`: ONNX to TensorRT engine, for this device or for named GPUs."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from coconet.cards.engine_card import BuildOptions, EngineCard, card_path, gpus_in_words
from coconet.cards.frame_size import FrameSize, SizeProfile
from coconet.cli import DeviceOption, OverwriteOption
from coconet.errors import CoconetError, MissingPackage
from coconet.model_names import ONNX_WORDS, model_path
from coconet.runtime.backends.tensorrt.cuda_device import select_cuda_device
from coconet.terminal.console import Console

if TYPE_CHECKING:
    from coconet.export.engines.engine_cache import CachedBuild
    from coconet.export.engines.engine_source import EngineSource


def build(
    model: Annotated[
        str,
        typer.Argument(
            help="A camera-ready ONNX model of coconet export or coconet calibrate, or a word: "
            f"{', '.join(ONNX_WORDS)}."
        ),
    ],
    gpu: Annotated[
        list[str] | None,
        typer.Option("--gpu", help="Build with TensorRT for RTX for this GPU, such as sm86; again for more."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="Write this engine.",
            show_default="named after model and GPU; beside the model or, of a word, in this folder",
        ),
    ] = None,
    minimum: Annotated[
        str | None, typer.Option("--min", help="Accept frames from this size on, HEIGHTxWIDTH, such as 256x320.")
    ] = None,
    optimum: Annotated[
        str | None, typer.Option("--opt", help="Be fastest at this frame size, such as 480x640.")
    ] = None,
    maximum: Annotated[
        str | None, typer.Option("--max", help="Accept frames up to this size, such as 1024x1280.")
    ] = None,
    workspace_mib: Annotated[
        int | None, typer.Option("--workspace-mib", help="Let a layer use at most N MiB of scratch memory.")
    ] = None,
    level: Annotated[
        int | None, typer.Option("--level", help="Search at this level: 0 builds fast, 5 makes the fastest engine.")
    ] = None,
    frames: Annotated[
        Path | None,
        typer.Option("--frames", help="Compare on this paired folder, rig.toml or recording, if the engine runs here."),
    ] = None,
    cache: Annotated[Path | None, typer.Option("--cache", help="Keep built engines in this folder.")] = None,
    device: DeviceOption = None,
    version_compatible: Annotated[
        bool, typer.Option("--version-compatible", help="Let later versions of TensorRT run it too; slower.")
    ] = False,
    same_compute_capability: Annotated[
        bool,
        typer.Option("--same-compute-capability", help="Let boards of the same compute capability run it too; slower."),
    ] = False,
    layers: Annotated[
        Path | None, typer.Option("--layers", help="Write what TensorRT made of each layer to this file, as JSON.")
    ] = None,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Build even if the engine is cached, and keep nothing.")
    ] = False,
    overwrite: OverwriteOption = False,
) -> None:
    """Build a TensorRT engine, with the TensorRT of this device or, with --gpu, for GPUs this machine need not have."""
    gpus = tuple(dict.fromkeys(name.lower() for name in gpu or ()))
    select_cuda_device(device)
    try:
        from coconet.export.engines.engine_source import read_engine_source
    except MissingPackage as error:
        raise MissingPackage("onnx", job="building engines", extra="rtx" if gpus else "tensorrt") from error
    from coconet.export.engines.build_progress import ShownProgress
    from coconet.export.engines.engine import BuildAids, build_engine
    from coconet.export.engines.engine_cache import CachedBuild, EngineCache, build_cached, check_no_foreign_card
    from coconet.export.engines.engine_check import require_agreement
    from coconet.export.engines.engine_job import open_job
    from coconet.export.engines.tensorrt_flavour import runs_here
    from coconet.export.engines.trtexec import trtexec_line
    from coconet.files import whole_file
    from coconet.runtime.cache_folder import default_cache_folder
    from coconet.runtime.rig.sample_frames import inputs_of
    from coconet.writing.outputs import check_free, check_outputs

    here = runs_here(gpus)
    _check_runs_here({"--frames": frames, "--layers": layers}, gpus, here=here)
    source = read_engine_source(model_path(model))
    profile = _profile(source, minimum, optimum, maximum)
    options = BuildOptions(
        gpus, profile, workspace_mib, level, version_compatible, same_compute_capability, layers is not None
    )
    job = open_job(source, options)
    path = out or (Path(job.default_path.name) if model in ONNX_WORDS else job.default_path)
    check_outputs([path, card_path(path)], inputs=[source.path, *inputs_of(frames)], overwrite=True)
    check_outputs([layers], inputs=[source.path, path, *inputs_of(frames)], overwrite=overwrite)
    if not overwrite:
        check_no_foreign_card(path)
        check_free([path] if no_cache else [])
    check = (lambda engine: require_agreement(engine, source.path, frames, path)) if here else None
    started = time.perf_counter()
    with ShownProgress(f"Building {path.name}") as progress:
        aids = BuildAids(progress, check=check)
        if no_cache:
            found = CachedBuild(build_engine(job, path, aids), built=True, because="--no-cache")
        else:
            found = build_cached(job, path, EngineCache(cache or default_cache_folder()), aids, overwrite=overwrite)
    if layers is not None:
        with whole_file(layers) as scratch:
            scratch.write_text(_layers_of(path), encoding="utf-8")
    Console().print(_table(path, found, time.perf_counter() - started))
    typer.echo(f"the same without coconet: {trtexec_line(job, path, device)}")


def _layers_of(engine: Path) -> str:
    from coconet.runtime.backends.tensorrt.backend import TensorRtBackend

    with TensorRtBackend(engine) as backend:
        return backend.layers()


def _check_runs_here(given: dict[str, Path | None], gpus: tuple[str, ...], *, here: bool) -> None:
    for option, value in given.items():
        if value is not None and not here:
            raise CoconetError(
                option,
                wanted=f"no {option} for an engine of other GPUs, which cannot be run here",
                got=f"--gpu {' --gpu '.join(gpus)}",
                remedy="Leave it out, and call coconet verify on the device.",
                says=f"cannot be used with --gpu {' --gpu '.join(gpus)}: the engine does not run here",
            )


def _profile(source: EngineSource, minimum: str | None, optimum: str | None, maximum: str | None) -> SizeProfile | None:
    """Combine the options with the range the model was exported for, which stands in for what is not given.

    An engine is best at the largest size unless told otherwise: it has to keep up with that one too.
    """
    card = source.card
    given = [FrameSize.parse(text) if text else None for text in (minimum, optimum, maximum)]
    if card.smallest_px and card.largest_px:
        low, high = FrameSize(*card.smallest_px), FrameSize(*card.largest_px)
        profile = SizeProfile(given[0] or low, given[1] or given[2] or high, given[2] or high)
        _check_within(profile, SizeProfile(low, high, high), source.path)
        return profile
    sizes = [size for size in given if size is not None]
    if not sizes:
        return None
    if len(sizes) < 3:
        raise CoconetError(
            "--min, --opt and --max",
            wanted="all three or none",
            got=f"{len(sizes)} of them",
            remedy="Give the others too.",
            says=f"go together, but only {len(sizes)} of them {'is' if len(sizes) == 1 else 'are'} given",
        )
    return SizeProfile(*sizes)


def _check_within(profile: SizeProfile, exported: SizeProfile, model: Path) -> None:
    """TensorRT cannot: an ONNX file has no place for the range of a side."""
    ends = (profile.minimum, exported.minimum), (exported.maximum, profile.maximum)
    if any(low.height_px < least.height_px or low.width_px < least.width_px for low, least in ends):
        raise CoconetError(
            model,
            wanted=f"sizes within {exported.minimum}..{exported.maximum}, which it was exported for",
            got=str(profile),
            remedy="Export it again with a wider --dynamic, or give other sizes.",
            says=f"was exported for sizes within {exported.minimum}..{exported.maximum}, not for {profile}",
        )


def _runs_on(card: EngineCard) -> str:
    if card.options.same_compute_capability:
        return f"any GPU of {', '.join(card.targets)}"
    return gpus_in_words(card.targets, card.device)


def _table(path: Path, found: CachedBuild, seconds: float) -> Table:
    card = found.card
    table = Table(title=str(path), title_justify="left", show_header=False)
    rows = {
        "size": f"{path.stat().st_size / 2**20:.2f} MiB",
        "built" if found.built else "not built again": f"{found.because}; {seconds:.1f} s",
        "built by": f"{card.flavour} {card.tensorrt_version}",
        "runs on": _runs_on(card),
        "precision": card.model.precision,
        "frame sizes": str(card.options.profile or f"{card.model.height_px}x{card.model.width_px}"),
    }
    for name, value in rows.items():
        table.add_row(name, value)
    return table
