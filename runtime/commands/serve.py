"""The command `coconet serve`: fuses pairs that clients send, by the Open Inference Protocol."""

from __future__ import annotations

import math
from typing import Annotated

import typer

from coconet.cli import DeviceOption
from coconet.event_log import LogStyle, logging_as
from coconet.progress.board import settled
from coconet.runtime.backends.choice import ASKABLE
from coconet.terminal.console import Console
from coconet.terminal.notice import print_notice

_LOOK_S = 1.0
"""How often it is looked whether the threads that answer still run."""


def serve(
    model: Annotated[str, typer.Argument(help="An .onnx, .engine or checkpoint, or a word, as for run.")],
    backend: Annotated[str, typer.Option("--backend", help=f"Run the model on {', '.join(ASKABLE)}.")] = "auto",
    device: DeviceOption = None,
    depth: Annotated[int, typer.Option("--depth", min=1, help="Keep N pairs in the engine at once.")] = 1,
    host: Annotated[
        str, typer.Option("--host", help="Listen at this address; 0.0.0.0 accepts other machines.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Listen on this port; 0: any free one.")] = 8000,
    grpc_port: Annotated[
        int | None,
        typer.Option(
            "--grpc-port", min=0, max=65535, help="Offer gRPC on this port, beside HTTP.", show_default="none"
        ),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            "--token", envvar="COCONET_TOKEN", help="Ask clients for this token; safer in the environment variable."
        ),
    ] = None,
    waiting: Annotated[int, typer.Option("--waiting", min=1, help="Let at most N pairs wait; one more gets 503.")] = 32,
    together: Annotated[
        int, typer.Option("--together", min=1, help="Take up to N waiting pairs of one size at once.")
    ] = 8,
    deadline_ms: Annotated[
        float,
        typer.Option(
            "--deadline-ms", min=1, help="Drop a pair that is not fused within this many milliseconds, with 504."
        ),
    ] = 1000,
    limit_mb: Annotated[
        float, typer.Option("--limit-mb", min=0.001, help="Refuse requests of more than this many megabytes.")
    ] = 64,
    log: Annotated[
        LogStyle | None, typer.Option("--log", help="Log to stderr, as text or JSON lines.", show_default="nothing")
    ] = None,
) -> None:
    """Serve a model until Ctrl-C is pressed, or SIGTERM or SIGHUP comes; without a token only this machine connects.

    Exit codes: 0 asked to stop; 2 something refused before the start; 4 the model; 6 the port.
    """
    from dataclasses import replace

    from coconet.runtime.backends.choice import choose_backend
    from coconet.runtime.backends.tensorrt.cuda_device import select_cuda_device
    from coconet.runtime.backends.tensorrt.ring_options import RingOptions
    from coconet.runtime.serving.fusion_queue import QueueLimits
    from coconet.runtime.serving.model_server import ModelServer, ServerSettings, open_served, served_name
    from coconet.runtime.threads.stop_signals import stopped_by_signals

    select_cuda_device(device)
    choice = replace(choose_backend(model, backend), ring=RingOptions(depth))
    limits = QueueLimits(waiting, together, deadline_ms / 1e3)
    settings = ServerSettings(host, port, grpc_port, token, limits, round(limit_mb * 1e6))
    console, name = Console(stderr=True), served_name(model)
    console.print(f"backend {choice.kind}: {choice.reason}", soft_wrap=True, highlight=False)
    served = ModelServer(name, lambda: open_served(choice), settings)
    with stopped_by_signals() as stop, logging_as(log), served as server:
        console.print(f"{server.url}/v2/models/{name}", soft_wrap=True, highlight=False)
        if server.grpc_address:
            console.print(f"grpc://{server.grpc_address}/{name}", soft_wrap=True, highlight=False)
        if server.pair_s > limits.deadline_s:
            print_notice(_too_slow(server.pair_s, deadline_ms))
        settled()
        while not stop.wait(_LOOK_S):
            server.check()


def _too_slow(pair_s: float, deadline_ms: float) -> str:
    return (
        f"one pair takes {pair_s * 1e3:.0f} ms here, longer than --deadline-ms {deadline_ms:g}: most requests will be "
        f"answered with 504. Allow --deadline-ms {math.ceil(3 * pair_s) * 1000} or more, or serve a faster model"
    )
