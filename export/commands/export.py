"""The command `coconet export`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from coconet.cards.frame_size import FrameSize, SizeRange
from coconet.cards.precision import PRECISIONS, REFERENCE
from coconet.cli import OverwriteOption
from coconet.errors import CoconetError, counted
from coconet.model_endings import ONNX_SUFFIX
from coconet.model_names import CHECKPOINTS, ONNX_WORDS, checkpoint_path, model_path
from coconet.progress.board import working
from coconet.reading import Reading, reads_pictures
from coconet.terminal.notice import print_notice

if TYPE_CHECKING:
    from coconet.networks.checkpoint import Checkpoint


FOREIGN = "Any two-input network"
"""The heading of these options in the help."""


@reads_pictures
def export(
    checkpoint: Annotated[
        str | None,
        typer.Argument(
            help="Weights in any usual container, a network's name with --weights beside it, or a word: "
            f"{', '.join(CHECKPOINTS)}."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write this ONNX file.", show_default="named after the weights")
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(help="Fix the frame size, HEIGHTxWIDTH in pixels, such as 480x640.", show_default="any size"),
    ] = None,
    dynamic: Annotated[
        str | None, typer.Option(help="Allow a range of frame sizes, such as 256x320..1024x1280.")
    ] = None,
    half: Annotated[bool, typer.Option("--half", help="Run the network in half precision (FP16).")] = False,
    gray: Annotated[bool, typer.Option("--gray", help="Take gray visible pictures, of one channel.")] = False,
    bare: Annotated[
        bool, typer.Option("--bare", help="Take and give floats of shape (B, 1, H, W), in the network's own range.")
    ] = False,
    batch: Annotated[int, typer.Option(min=1, help="Fuse N pairs at once; coconet run takes 1.")] = 1,
    opset: Annotated[
        int | None, typer.Option(help="Use this ONNX operator set.", show_default="one that TensorRT 10.3 reads")
    ] = None,
    frames: Annotated[
        Path | None,
        typer.Option(help="Compare on this paired folder, rig.toml or recording.", show_default="synthetic scenes"),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="Make the network with package.module:factory.", rich_help_panel=FOREIGN),
    ] = None,
    weights: Annotated[
        list[str] | None,
        typer.Option(
            help="Read the weights from FILE, or PART=FILE for each part: torch.save, .safetensors, "
            "TensorFlow 1, a .zip or folder."
        ),
    ] = None,
    rule: Annotated[
        str | None, typer.Option(help="Join the features of a published network by sum, average or l1.")
    ] = None,
    stretch: Annotated[
        bool,
        typer.Option(
            "--stretch", help="Stretch every picture to 0..255, as for many published pictures; a video flickers."
        ),
    ] = False,
    input_range: Annotated[
        str | None,
        typer.Option(
            "--range", help="Feed black and white as these values, such as 0..1 or -1..1.", rich_help_panel=FOREIGN
        ),
    ] = None,
    output_range: Annotated[
        str | None,
        typer.Option(
            help="Read black and white as these values.", show_default="that of --range", rich_help_panel=FOREIGN
        ),
    ] = None,
    order: Annotated[
        str | None, typer.Option(help="Call it with visible,infrared or infrared,visible.", rich_help_panel=FOREIGN)
    ] = None,
    multiple: Annotated[
        int | None, typer.Option(min=1, help="Pad both sides to a multiple of N pixels.", rich_help_panel=FOREIGN)
    ] = None,
    warp: Annotated[
        bool,
        typer.Option("--with-warp", help="Write the same .onnx model, or word, with the alignment as a third input."),
    ] = False,
    link: Annotated[
        bool, typer.Option("--link", help="Leave the weights in the checkpoint; the graph needs it beside itself.")
    ] = False,
    overwrite: OverwriteOption = False,
    *,
    reading: Reading,
) -> None:
    """Write the camera-ready ONNX graph of a checkpoint, once it agrees with PyTorch on real frames."""
    if out is not None and out.suffix != ONNX_SUFFIX:
        got = out.suffix or "no ending"
        raise CoconetError(
            out,
            wanted=f"a name that ends in {ONNX_SUFFIX}",
            got=got,
            remedy="Choose another --out.",
            says=f"has {f'the ending {out.suffix}' if out.suffix else 'no ending'}; a graph ends in {ONNX_SUFFIX}",
        )
    if warp:
        _write_warped(checkpoint, out, overwrite=overwrite)
        return
    from coconet.export.gate import export_checked
    from coconet.export.graph import OPSET, ExportOptions
    from coconet.networks.tensors.weight_files import file_of
    from coconet.runtime.rig.sample_frames import inputs_of
    from coconet.writing.outputs import check_outputs

    options = ExportOptions(
        _sizes(size, dynamic),
        visible_channels=1 if gray or bare else 3,
        precision="fp16" if half else REFERENCE,
        batch=batch,
        opset=OPSET if opset is None else opset,
        form="bare" if bare else "camera",
    )
    if model is not None and checkpoint is not None and checkpoint not in CHECKPOINTS and not weights:
        weights, checkpoint = [checkpoint], None
    files = [file_of(word) for word in weights or []]
    about_foreign = (input_range, output_range, order, multiple)
    if model is None:
        foreign_options = any(option is not None for option in about_foreign)
        source, path = _known(checkpoint, weights or [], rule, stretch=stretch, foreign_options=foreign_options)
    else:
        if rule is not None:
            raise CoconetError(
                "--rule",
                wanted="a network that is known",
                got="--model",
                remedy="Leave --rule out.",
                says="does not apply to --model",
            )
        source, path = _foreign(checkpoint, model, weights or [], *about_foreign, stretch=stretch)
    target = out or PRECISIONS[options.precision].onnx_beside(path)
    if link:
        options = replace(options, linked=_linkable(checkpoint, target))
    inputs = [checkpoint and checkpoint_path(checkpoint), *files, *inputs_of(frames)]
    check_outputs([target], inputs=inputs, overwrite=overwrite)
    with working(f"exporting {path.name}"):
        parity = export_checked(source, target, options, frames, reading)
    typer.echo(f"{target}: {options.precision}, {options.size or 'any size'}, {target.stat().st_size / 1e6:.1f} MB")
    typer.echo(f"against PyTorch on {counted(parity.frames, 'frame')}: {parity}")
    _warn_of_refusals(target)


def _write_warped(model: str | None, out: Path | None, *, overwrite: bool) -> None:
    """Give a graph that is there its warp; its own options were chosen when it was exported."""
    from coconet.export.warp_input import write_warped
    from coconet.writing.outputs import check_outputs

    path = model_path(model or "")
    if model is None or path.suffix != ONNX_SUFFIX:
        got = model or "no model"
        remedy = "Export it first, and then once more with --with-warp."
        raise CoconetError(
            "--with-warp",
            wanted="an .onnx model, or its word",
            got=got,
            remedy=remedy,
            says=f"takes an .onnx model or its word, not {model}" if model else "needs an .onnx model, or its word",
        )
    beside = Path(path.name) if model in ONNX_WORDS else path
    target = out or beside.with_suffix(f".warp{ONNX_SUFFIX}")
    check_outputs([target], inputs=[path], overwrite=overwrite)
    parity = write_warped(path, target)
    typer.echo(f"{target}: the inputs visible, infrared (of any size) and warp, {target.stat().st_size / 1e6:.1f} MB")
    typer.echo(f"against {path.name} behind the runtime's warp on {counted(parity.frames, 'frame')}: {parity}")


def _linkable(checkpoint: str | None, target: Path) -> Path:
    from coconet.export.linked_weights import check_linkable

    if checkpoint is None:
        got = "weights given otherwise"
        raise CoconetError(
            "--link",
            wanted="one checkpoint",
            got=got,
            remedy="Leave --link out.",
            says="needs one checkpoint as the argument, which is not given",
        )
    path = checkpoint_path(checkpoint)
    check_linkable(path, target)
    return path


def _sizes(size: str | None, dynamic: str | None) -> FrameSize | SizeRange | None:
    if size and dynamic:
        raise CoconetError(
            "--size and --dynamic",
            wanted="one of them or neither",
            got="both",
            remedy="Leave one of them out.",
            says="cannot be used together",
        )
    if dynamic:
        return SizeRange.parse(dynamic)
    return FrameSize.parse(size) if size else None


def _warn_of_refusals(target: Path) -> None:
    """Say before a Jetson does what its parser would not take; anyone's network may hold any operator."""
    from coconet.cards.onnx_card import read_onnx
    from coconet.export.jetpack_operators import refusals_by_kind

    found = refusals_by_kind(read_onnx(target).model)
    if found:
        more = f" and {len(found) - 3} more" if len(found) > 3 else ""
        text = f"TensorRT 10.3 (JetPack 6) does not list {', '.join(found[:3])}{more}"
        print_notice(text)


def _known(
    checkpoint: str | None, weights: list[str], rule: str | None, *, stretch: bool, foreign_options: bool
) -> tuple[Checkpoint, Path]:
    """Load a network that is known by its name or by its tensors, and say after what the graph is named."""
    from coconet.networks.checkpoint import WeightOptions, load_weights, network_named
    from coconet.networks.tensors.weight_files import file_of

    nothing = checkpoint is None and not weights
    if nothing or foreign_options:
        raise CoconetError(
            "coconet export",
            wanted="a checkpoint alone, or --model with --weights, --range and --order",
            got="neither" if nothing else "a checkpoint with options that go with --model alone",
            remedy="Name one checkpoint, or add --model package.module:factory."
            if nothing
            else "Leave --range, --output-range, --order and --multiple out: those of known networks are known.",
            says="has nothing to export" if nothing else "was given options that go only with --model",
        )
    network = ""
    if checkpoint is not None and weights:
        network = network_named(checkpoint).name
    elif checkpoint is not None:
        weights = [_path_of(checkpoint)]
    loaded = load_weights(weights, WeightOptions(network, rule or "", stretch))
    first = Path(checkpoint) if checkpoint in CHECKPOINTS and not network else file_of(weights[0])
    if loaded.publication is not None:
        typer.echo(f"{' and '.join(weights)}: {_as_published(loaded)}")
    return loaded, first if len(weights) == 1 else first.with_name(loaded.network)


def _path_of(checkpoint: str) -> str:
    """The file of a word or a path; a network that comes without weights is told apart from a path that is wrong."""
    from coconet.networks.checkpoint import NETWORKS

    if checkpoint not in CHECKPOINTS and checkpoint in {network.name for network in NETWORKS}:
        parts = next(network.parts for network in NETWORKS if network.name == checkpoint)
        files = " ".join(f"--weights {part}=FILE" for part in parts) or "--weights FILE"
        if not Path(checkpoint).exists():
            raise CoconetError(
                f"network {checkpoint}",
                wanted="its weights, which do not come with this package",
                got="its name alone",
                remedy=f"Add {files}.",
                says="comes without its weights",
            )
    return str(checkpoint_path(checkpoint))


def _as_published(loaded: Checkpoint) -> str:
    """What some weights were taken for, and how they are run."""
    signature, publication = loaded.signature, loaded.publication
    assert publication is not None  # noqa: S101  the caller has looked
    (low, high), tensors = signature.input_range, len(loaded.core.state_dict())
    order = "images in either order" if publication.order == "either" else f"images as {publication.order}"
    rule = f", joined by {publication.fusion_rule}" if publication.fusion_rule else ""
    stretched = ""
    if publication.stretched:
        stretched = ", stretched as published" if signature.stretch else ", not stretched as the published pictures are"
    return (
        f"taken for {loaded.network} by the names and shapes of {counted(tensors, 'tensor')}; "
        f"{order}, {low:g}..{high:g}{rule}{stretched}"
    )


def _foreign(
    checkpoint: str | None,
    model: str,
    weights: list[str],
    input_range: str | None,
    output_range: str | None,
    order: str | None,
    multiple: int | None,
    *,
    stretch: bool,
) -> tuple[Checkpoint, Path]:
    """Load anyone's network, and say after what the graph is named."""
    from coconet.networks.custom import load_foreign, parse_order, parse_signature
    from coconet.networks.tensors.weight_files import file_of

    if checkpoint is not None or not weights or input_range is None or order is None:
        given = {"--weights": weights or None, "--range": input_range, "--order": order}
        missing = ", ".join(name for name, value in given.items() if value is None)
        raise CoconetError(
            f"--model {model}",
            wanted="--weights, --range and --order beside it, and no checkpoint argument",
            got=f"no {missing}" if missing else f"the argument {checkpoint}",
            remedy="No file tells the range and the order; look at how the network was trained."
            if missing
            else "Leave one of the two out.",
            says=f"needs {missing} as well" if missing else f"does not go with the checkpoint {checkpoint}",
        )
    signature = replace(parse_signature(input_range, output_range, multiple or 1), stretch=stretch)
    loaded = load_foreign(model, weights, signature, infrared_first=parse_order(order))
    return loaded, file_of(weights[0])
