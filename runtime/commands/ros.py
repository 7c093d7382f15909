"""The command `coconet ros`: a node of ROS 2 that fuses two image topics."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from coconet.cli import DeviceOption
from coconet.event_log import LogStyle, logging_as
from coconet.installation.extras import ROS_ARGS


def ros(
    rig: Annotated[
        Path | None, typer.Argument(help="A rig.toml to take the settings from; its addresses are not used.")
    ] = None,
    visible: Annotated[
        str, typer.Option("--visible", help="Take visible images from this topic; NAME/compressed is compressed.")
    ] = "camera/image_raw",
    infrared: Annotated[
        str, typer.Option("--infrared", help="Take infrared images from this topic.")
    ] = "thermal/image_raw",
    out: Annotated[str, typer.Option("--out", help="Publish image_raw and skew_ms below this name.")] = "fused",
    model: Annotated[
        str, typer.Option("--model", help="Fuse with this .onnx, .engine or checkpoint, or a word, as for run.")
    ] = "lite",
    backend: Annotated[str, typer.Option("--backend", help="Run the model on this, as for run.")] = "auto",
    device: DeviceOption = None,
    frames: Annotated[int | None, typer.Option("--frames", min=1, help="Stop after N fused frames.")] = None,
    log: Annotated[
        LogStyle | None, typer.Option("--log", help="Log to stderr, as text or JSON lines.", show_default="nothing")
    ] = None,
    ros_args: Annotated[
        list[str] | None,
        typer.Option(
            ROS_ARGS,
            help="Give ROS what comes after this, up to --: -p NAME:=VALUE, -r __ns:=/NAME, --params-file FILE.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Fuse two image topics of ROS 2 until Ctrl-C is pressed, or SIGTERM or SIGHUP comes.

    Settings that can change while it runs are parameters of the node, such as infrared.contrast and visible.offset_ms.
    A topic that does not begin with / lies in the namespace of the node.
    """
    from coconet.runtime.backends.choice import choose_backend
    from coconet.runtime.backends.tensorrt.cuda_device import select_cuda_device
    from coconet.runtime.loop.pipeline import Ending
    from coconet.runtime.loop.run import run_rig
    from coconet.runtime.loop.run_stats import RunStats
    from coconet.runtime.loop.supervisor import RunSupervisor
    from coconet.runtime.rig.live_settings import AdjustableRig
    from coconet.runtime.rig.rig_file import Rig
    from coconet.runtime.ros.node.fusion_node import FusionNode, NodeTopics, import_rclpy
    from coconet.runtime.sinks.open_sink import Output
    from coconet.runtime.threads.stop_signals import stopped_by_signals
    from coconet.terminal.console import Console

    import_rclpy()
    select_cuda_device(device)
    addresses = {"visible": f"ros://{visible.lstrip('/')}", "infrared": f"ros://{infrared.lstrip('/')}"}
    chosen = Rig.from_addresses(addresses["visible"], addresses["infrared"])
    if rig is not None:
        given = Rig.from_file(rig)
        tables = {
            side: table.model_copy(update={"address": addresses[side]})
            for side, table in (("visible", given.visible), ("infrared", given.infrared))
        }
        chosen = given.model_copy(update=tables)
    node, gauge = FusionNode(NodeTopics(visible, infrared, out), ros_args or ()), RunStats()
    tuner = AdjustableRig(chosen, rig, opener=node.open_camera)
    choice = choose_backend(model, backend)
    gauge.on_frame(node.publish)
    with stopped_by_signals() as stop, logging_as(log), RunSupervisor(gauge), node.spinning(tuner):
        report = run_rig(tuner, choice, Output(), ending=Ending(frames, stop), gauge=gauge)
    Console().print(report.to_table())
