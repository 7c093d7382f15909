"""The command `coconet run`: two cameras and a model become one fused stream."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from coconet.cli import (
    CamerasArgument,
    DeviceOption,
    InfraredOption,
    OverwriteOption,
    RateOption,
    ReserveOption,
    VisibleOption,
)
from coconet.errors import ExitCode, Refused
from coconet.event_log import LogStyle, logging_as
from coconet.media.decoding.decoder import DecoderName
from coconet.media.encoding.encoder import EncoderName
from coconet.model_names import DEFAULT_MODEL, MODELS, RULES
from coconet.pages.browser import OpenOption, check_open, open_page
from coconet.reading import Reading, reads_pictures
from coconet.runtime.backends.choice import ASKABLE, BackendChoice
from coconet.runtime.backends.tensorrt.ring_options import RingOptions
from coconet.runtime.backends.tiles.limit import TileLimit
from coconet.runtime.loop.selection import OnError
from coconet.runtime.preprocess.fit_word import Fit
from coconet.runtime.rig.naming.model_word import without_model
from coconet.runtime.viewers.open_viewer import ViewerKind
from coconet.runtime.views.names import VIEW_NAMES
from coconet.terminal.notice import print_line, print_notice

if TYPE_CHECKING:
    from coconet.runtime.loop.run_report import RunReport
    from coconet.runtime.rig.live_settings import AdjustableRig
    from coconet.runtime.rig.naming.named_cameras import NamedCameras
    from coconet.runtime.rig.rig_file import Rig
    from coconet.runtime.sinks.look_sink import Drawn


def _list_models(asked: bool) -> None:
    """Print every word that --model takes and end, before anything else is looked at."""
    if asked:
        from coconet.cards.shipped_models import print_shipped_models

        print_shipped_models()
        raise typer.Exit


GpuLibrary = Literal["libcuda", "cuda-python", "pycuda"]


@reads_pictures
def run(
    cameras: CamerasArgument = None,
    visible: VisibleOption = None,
    infrared: InfraredOption = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            help=f"Fuse with this .onnx, .engine or checkpoint, or a word: {', '.join(MODELS)}; {', '.join(RULES)}. "
            "It may also stand among the cameras.",
            show_default=DEFAULT_MODEL,
        ),
    ] = None,
    list_models: Annotated[
        bool,
        typer.Option(
            "--list-models",
            is_eager=True,
            callback=_list_models,
            help="Print what each word for --model stands for, and exit.",
        ),
    ] = False,
    fit: Annotated[
        Fit | None,
        typer.Option(
            "--fit",
            help="Fit pictures of different sizes that have no alignment: scale, crop, or align by their edges first.",
            show_default="scale",
        ),
    ] = None,
    heat: Annotated[
        float | None,
        typer.Option(
            "--heat",
            min=0,
            max=100,
            help="Show heat this strongly: 0 the visible picture alone, 50 as the model fuses, 100 the brightness of "
            "the infrared picture in the colours of the visible one.",
            show_default="50",
        ),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(
            "--out",
            help="Write a video (.mp4, .mkv, .mov), a folder of pictures, a picture (.png) of a single pair, "
            "a bag (.mcap), udp:// or rtsp:// for H.264, or h264:- or raw:- for standard output.",
            show_default="nowhere",
        ),
    ] = None,
    encoder: Annotated[
        EncoderName,
        typer.Option(
            "--encoder", help="Encode a video or stream with this; auto: the first hardware encoder that works."
        ),
    ] = "auto",
    decoder: Annotated[
        DecoderName | None,
        typer.Option(
            "--decoder",
            help="Decode network cameras and videos with this; auto: for network cameras the first "
            "hardware decoder that works.",
            show_default="auto",
        ),
    ] = None,
    fps: RateOption = None,
    backend: Annotated[
        str, typer.Option("--backend", help=f"Run the model on {', '.join(ASKABLE)} or remote.")
    ] = "auto",
    server: Annotated[
        str | None,
        typer.Option("--server", help="Ask this server for the pictures: http://host:port/model or grpc://..."),
    ] = None,
    server_token: Annotated[
        str | None,
        typer.Option(
            "--server-token",
            envvar="COCONET_SERVER_TOKEN",
            help="Send this token to the server; safer in the environment variable.",
        ),
    ] = None,
    local_model: Annotated[
        str | None, typer.Option("--local-model", help="Fuse with this model while the server cannot be reached.")
    ] = None,
    in_flight: Annotated[
        int | None,
        typer.Option("--in-flight", min=1, max=32, help="Keep at most N pairs in flight there, or 4."),
    ] = None,
    late_ms: Annotated[
        float | None,
        typer.Option("--late-ms", min=1, help="Drop a live picture that takes longer than N milliseconds, or 250."),
    ] = None,
    travel_as: Annotated[
        str | None,
        typer.Option("--travel-as", help="Send pictures as raw (as they are), png, jpeg or jpeg:QUALITY."),
    ] = None,
    device: DeviceOption = None,
    depth: Annotated[
        int, typer.Option("--depth", min=1, help="Keep N pairs in the engine at once; 3 suits recordings.")
    ] = 1,
    zero_copy: Annotated[
        bool, typer.Option("--zero-copy", help="Let the engine read frames in place; worth a try on a Jetson.")
    ] = False,
    no_graph: Annotated[
        bool, typer.Option("--no-graph", help="Launch every kernel by itself instead of all as one CUDA graph.")
    ] = False,
    spin: Annotated[
        bool, typer.Option("--spin", help="Keep a processor core busy while waiting for the engine, to wait less.")
    ] = False,
    gpu_library: Annotated[
        GpuLibrary | None,
        typer.Option(
            "--gpu-library", help="Move frames to an engine with this library.", show_default="the first that works"
        ),
    ] = None,
    tile_pixels: Annotated[
        int | None,
        typer.Option(
            "--tile-pixels",
            min=0,
            help="Fuse larger pictures in parts of at most N pixels, which takes less memory; 0: never.",
            show_default="as memory allows",
        ),
    ] = None,
    rotate_minutes: Annotated[
        float, typer.Option("--rotate-minutes", min=0, help="Begin a new video file after N minutes; 0: never.")
    ] = 0,
    rotate_mb: Annotated[
        float, typer.Option("--rotate-mb", min=0, help="Begin a new video file once it has N megabytes; 0: never.")
    ] = 0,
    keep: Annotated[int, typer.Option("--keep", min=0, help="Keep only the N newest files; 0: all.")] = 0,
    reserve_mb: ReserveOption = None,
    overwrite: OverwriteOption = False,
    skip_existing: Annotated[
        bool, typer.Option("--skip-existing", help="Keep the pictures that a folder already has, and fuse the rest.")
    ] = False,
    on_error: Annotated[
        OnError,
        typer.Option("--on-error", help="Stop at a damaged frame or a pair that cannot be read or fused, or skip it."),
    ] = "stop",
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the report to this file as JSON too.")] = None,
    html: Annotated[
        Path | None,
        typer.Option("--html", help="Write one page with the figures and three of the frames to this file."),
    ] = None,
    opens: OpenOption = False,
    meters_file: Annotated[
        Path | None,
        typer.Option(
            "--meters", help="Write what the meters of the rig read, one line a frame, to this .csv or .parquet."
        ),
    ] = None,
    frames: Annotated[int | None, typer.Option("--frames", min=1, help="Stop after N fused frames.")] = None,
    view: Annotated[
        ViewerKind | None, typer.Option("--view", help="Show the pictures live: web on a page, window on this display.")
    ] = None,
    look: Annotated[
        list[str] | None,
        typer.Option(
            "--look",
            help=f"Show this with --out and --view: {', '.join(VIEW_NAMES)}; or KEY=VALUE of \\[view], such as "
            "colours=ironbow; again for more.",
            show_default="fused",
        ),
    ] = None,
    host: Annotated[
        str, typer.Option("--host", help="Serve the page at this address of the machine; 0.0.0.0 opens it to others.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Serve the page on this port; 0: any free one.")
    ] = 8000,
    token: Annotated[
        str | None,
        typer.Option(
            "--token", envvar="COCONET_TOKEN", help="Ask viewers for this token; safer in the environment variable."
        ),
    ] = None,
    view_token: Annotated[
        str | None,
        typer.Option(
            "--view-token",
            envvar="COCONET_VIEW_TOKEN",
            help="Accept this second token, with which viewers may watch but change nothing.",
        ),
    ] = None,
    captures: Annotated[
        Path, typer.Option("--captures", help="Put snapshots and recordings from the page into this folder.")
    ] = Path("captures"),
    log: Annotated[
        LogStyle | None, typer.Option("--log", help="Log to stderr, as text or JSON lines.", show_default="nothing")
    ] = None,
    *,
    reading: Reading,
) -> None:
    """Fuse two cameras, or two recordings, until they end, Ctrl-C is pressed, or SIGTERM or SIGHUP comes.

    With a view, recordings are played at their own rate. Exit codes: 0 the end, or asked to stop; 2 something refused
    before the start; 3 a camera; 4 the model; 5 the output; 6 the page; 7 the end, but some pairs were left out; 8 the
    end, but a large share of the frames had no partner.
    """
    from coconet.runtime.alarms.open_alarms import check_alarms, open_alarms
    from coconet.runtime.backends.choice import choose_backend
    from coconet.runtime.backends.remote.asked_server import AskedServer
    from coconet.runtime.backends.tensorrt.cuda_device import select_cuda_device
    from coconet.runtime.loop.meter_log import MeterLog
    from coconet.runtime.loop.model_choice import check_engine, choice_for
    from coconet.runtime.loop.page.report_files import report_files
    from coconet.runtime.loop.pipeline import Ending
    from coconet.runtime.loop.run import run_rig
    from coconet.runtime.loop.run_stats import RunStats
    from coconet.runtime.loop.supervisor import RunSupervisor
    from coconet.runtime.rig.live_settings import AdjustableRig
    from coconet.runtime.rig.naming.named_cameras import NamedCameras
    from coconet.runtime.rig.rig_file import written_rig
    from coconet.runtime.sinks.open_sink import Output
    from coconet.runtime.sinks.video_file import Rotation
    from coconet.runtime.threads.stop_signals import stopped_by_signals
    from coconet.runtime.viewers.open_viewer import open_viewer

    check_open(opens, html)
    select_cuda_device(device)
    words, asked = without_model(cameras or (), model)
    named, model = NamedCameras.of(words, visible, infrared), DEFAULT_MODEL if asked is None else asked
    ring = RingOptions(depth, zero_copy, not no_graph, spin, gpu_library)
    elsewhere = AskedServer(server, server_token, local_model, in_flight, late_ms, travel_as).choice(backend, asked)
    chosen = _with_look(
        _read_as(_rig_of(named, fps), decoder, heat, fit, reading, live=view is not None),
        look or (),
        anywhere=bool(out or view),
    )
    first_choice = replace(elsewhere or choose_backend(model, backend, builds=True), ring=ring)
    rotation = Rotation(60 * rotate_minutes, rotate_mb, keep) if rotate_minutes or rotate_mb or keep else None
    output = Output(out, rotation, overwrite, skip_existing, reserve_mb, encoder)
    gauge, rig = RunStats(), written_rig(named.file)
    output.check([rig, *chosen.sources, first_choice.path], [json_file, meters_file, html])
    check_alarms(chosen, [rig, *chosen.sources, first_choice.path])
    check_engine(first_choice)
    sheet = None if meters_file is None else MeterLog(meters_file, chosen, reserve_mb)
    choice = replace(elsewhere or choice_for(chosen, model, backend), ring=ring, tiles=TileLimit(tile_pixels))
    _announce(choice)
    tuner, supervisor = AdjustableRig(chosen, rig, gives_misfits=on_error == "skip"), RunSupervisor(gauge)
    with (
        report_files(json_file, html, tuner, gauge, supervisor) as keep_report,
        stopped_by_signals() as stop,
        logging_as(log),
    ):
        if sheet is not None:
            gauge.on_frame(sheet.note)
        viewer: AbstractContextManager[object] = nullcontext()
        if view is not None:
            from coconet.runtime.viewers.live_page import PageSettings

            page = PageSettings(host, port, token, captures, view_token, reserve_mb, encoder)
            viewer = open_viewer(view, gauge, page, tuner, stop)
        with (
            supervisor,
            open_alarms(chosen, gauge, reserve_mb) if chosen.alarm else nullcontext(),
            viewer,
            sheet or nullcontext(),
        ):
            drawn = _drawn(tuner, changes=view is not None)
            report = run_rig(tuner, choice, replace(output, drawn=drawn), ending=Ending(frames, stop), gauge=gauge)
        report = keep_report(report)
    _end(report, html if opens else None, stderr=output.is_standard_output, misfits=on_error == "skip")


def _read_as(
    rig: Rig, decoder: DecoderName | None, heat: float | None, fit: Fit | None, reading: Reading, *, live: bool
) -> Rig:
    """The rig with what the options say of its pictures. live: whether recordings are played at their own rate."""
    from coconet.runtime.rig.rig_file import decoded_by, fitted_by, read_by, with_heat

    read = fitted_by(read_by(with_heat(decoded_by(rig, decoder), heat), reading), fit)
    return read.model_copy(update={"realtime": True}) if live else read


def _with_look(rig: Rig, words: Sequence[str], *, anywhere: bool) -> Rig:
    """The rig with the look that was asked for. anywhere: whether there is anything that shows it."""
    from coconet.runtime.look import look_fields
    from coconet.runtime.rig.rig_file import with_look

    if words and not anywhere:
        remedy = "Pass --out or --view, or leave it out."
        says = "has nothing to apply to: there is neither an output nor a view"
        raise Refused("--look", wanted="an output or a view that shows it", got="neither", remedy=remedy, says=says)
    return with_look(rig, look_fields(words))


def _drawn(tuner: AdjustableRig, *, changes: bool) -> Drawn | None:
    """What the output shows; None for the fused picture. changes: whether a viewer may ask for something else."""
    if tuner.rig.output.is_plain and not changes and not tuner.rig.palettes:  # which are read here, and refused
        return None
    from coconet.runtime.drawing.open_renderer import open_renderer
    from coconet.runtime.sinks.look_sink import Drawn

    return Drawn(open_renderer(tuner.rig), lambda: tuner.rig.output)


def _rig_of(named: NamedCameras, fps: str | None) -> Rig:
    """The rig that is meant, of which every path is there."""
    from coconet.runtime.cameras.open_camera import check_sources
    from coconet.runtime.rig.naming.rates import rated_by

    chosen = named.rig()
    check_sources(chosen.visible.address, chosen.infrared.address)
    return rated_by(chosen, fps)


def _announce(choice: BackendChoice) -> None:
    print_line(f"backend {choice.label}: {choice.reason}")


def _end(report: RunReport, page: Path | None, *, stderr: bool, misfits: bool) -> None:
    """Print the report, open the page if one is to be opened, and end with the exit code of what is missing."""
    from coconet.terminal.console import Console

    Console(stderr=stderr).print(report.to_table())
    if page is not None:
        open_page(page)
    if code := _say_left_out(report, misfits=misfits):
        raise typer.Exit(code)


def _say_left_out(report: RunReport, *, misfits: bool) -> int:
    """Say what is missing from the output, and give the exit code for it; misfits: whether pairs could be left out."""
    left_out = report.left_out if misfits else []
    for line in left_out:
        typer.echo(f"left out: {line}", err=True)
    if report.output_loss:
        print_notice(f"{report.output_loss}. Free space, or keep fewer files.")
        return ExitCode.OUTPUT
    if left_out:
        return ExitCode.MISFITS
    if report.trouble:
        print_notice(f"{report.trouble}. {report.remedy}")
        return ExitCode.UNPAIRED
    return ExitCode.FINISHED
