"""The command `coconet audience`: what viewers of the live page cost the loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from coconet.errors import counted
from coconet.model_names import DEFAULT_MODEL

if TYPE_CHECKING:
    from coconet.benchmarks.endurance.viewer_load import Turn


_CAMERA = "synthetic://?fps={fps:g}&width={width}&height={height}"


def audience(
    model: Annotated[
        str, typer.Option("--model", help="Fuse with this model, as `coconet run` takes it.")
    ] = DEFAULT_MODEL,
    viewers: Annotated[int, typer.Option("--viewers", min=1, max=32, help="Let N viewers watch.")] = 10,
    turns: Annotated[
        int, typer.Option("--turns", min=1, help="Measure N times, each without and then with viewers.")
    ] = 10,
    seconds: Annotated[
        float, typer.Option("--seconds", min=0.2, help="Measure for this many seconds each time.")
    ] = 3.0,
    fps: Annotated[
        float, typer.Option("--fps", min=1, help="Give both synthetic cameras this many frames per second.")
    ] = 25.0,
    size: Annotated[
        tuple[int, int], typer.Option("--size", help="Make pictures of this width and height in pixels.")
    ] = (640, 480),
    flat_out: Annotated[
        bool, typer.Option("--flat-out", help="Fuse all the time instead of waiting for the cameras.")
    ] = False,
) -> None:
    """Measure the loop with and without viewers of its page, in turns, so that a busy machine disturbs both alike."""
    from coconet.benchmarks.endurance.viewer_load import Plan, audience_cost
    from coconet.progress.board import working
    from coconet.runtime.rig.rig_file import Rig
    from coconet.runtime.threads.stop_signals import stopped_by_signals
    from coconet.terminal.console import Console

    console = Console(soft_wrap=True)

    def say(turn: Turn) -> None:
        console.print(
            f"alone {turn.alone_fps:6.2f} fps   watched {turn.watched_fps:6.2f} fps   cost {turn.cost:6.1%}"
            f"   {turn.pictures_per_s:5.1f} pictures a second",
            highlight=False,
        )

    camera = _CAMERA.format(fps=fps, width=size[0], height=size[1])
    rig = Rig.from_addresses(camera, camera, realtime=not flat_out)
    with stopped_by_signals() as stop, working("measuring", 2 * turns * seconds, by_clock=True):
        cost = audience_cost(rig, model, Plan(viewers, turns, seconds), say, stop)
    console.print(
        f"{cost.model} on {cost.backend}, {counted(cost.viewers, 'viewer')} on the same machine: "
        f"they cost {cost.cost:.1%} of the frames a second (median of {counted(len(cost.turns), 'turn')}); "
        f"{counted(cost.encoded, 'picture')} were encoded",
        highlight=False,
    )
