"""A run from Python: pairs through a model to an output, with a call per fused frame and an Event that ends it."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, TypeVar

from coconet.config import check_fields
from coconet.errors import CoconetError, Refused
from coconet.runtime.alarms.alarm_event import AlarmEvent
from coconet.runtime.alarms.open_alarms import check_alarms, open_alarms
from coconet.runtime.api.model import FusionModel
from coconet.runtime.arguments import check_called, check_heat, check_path, check_type
from coconet.runtime.frame import FusedFrame
from coconet.runtime.look import OutputLook, looked_by
from coconet.runtime.loop.pipeline import Ending
from coconet.runtime.loop.run import FrontEndCheck, run_pairs
from coconet.runtime.loop.run_report import RunReport
from coconet.runtime.loop.run_stats import RunStats
from coconet.runtime.pairing.pair_stream import PairStream
from coconet.runtime.rig.rig_file import Rig, with_look
from coconet.runtime.sinks.open_sink import Output
from coconet.writing.outputs import AlreadyExists

if TYPE_CHECKING:
    from coconet.runtime.sinks.look_sink import Drawn


_Given = TypeVar("_Given")


def run(  # noqa: PLR0913  what the command line takes too
    pairs: PairStream,
    model: FusionModel,
    *,
    out: Path | str | None = None,
    on_frame: Callable[[FusedFrame], object] | None = None,
    stop: Event | None = None,
    overwrite: bool = False,
    look: Mapping[str, Any] | None = None,
    heat: float | None = None,
    on_alarm: Callable[[AlarmEvent], object] | None = None,
    alarms: bool = True,
) -> RunReport:
    """Fuse the pairs of a rig until the cameras end or `stop` is set, as `coconet run` does, and say how it went.

    pairs: opened by open_rig or open_pairs and not yet entered; they are closed in the end. model: stays open.
    out: a video (.mp4, .mkv, .mov), a bag (.mcap), a folder for pictures, a picture of a single pair, udp:// or
    rtsp://; None is nowhere. overwrite: whether it may be there already, and is replaced then. look: what `out` shows,
    keys of `[output]` such as {"show": "edges"}; what the rig file says if not given. `frame.pixels` is
    the fused picture all the same. heat: how strongly heat shows in that, 0 (the visible picture alone) to 100 (the
    brightness of the infrared one in the colours of the visible one); what the rig file says if not given, or 50, which
    is what the model makes.
    on_frame: called with every fused frame, in this thread; it holds up the next frame, and must not change the pixels,
    which are being written meanwhile. stop: may be set by any thread, also by on_frame; what was fused is kept.
    alarms: whether the alarms of the rig are watched, and told whom its file names. on_alarm: called with every event
    of them, in this thread, before on_frame.
    Raises CoconetError for an output that cannot be opened, is there already, or is a recording that the cameras read,
    and for what fails on the way, and lets errors of on_frame and on_alarm out; a video stays under its unfinished name
    then.
    Warns (UserWarning) if a large share of the frames found no partner, or has stamps that do not increase, and if an
    INT8 model was calibrated behind other settings of the thermal front end than those of this rig.
    """
    remedy = 'Open a rig first: coconet.open_rig("rig.toml").'
    check_type("pairs", pairs, PairStream, "the pairs of a rig that was opened", remedy)
    check_type("model", model, FusionModel, "a loaded model", 'Load it first: coconet.load("lite").')
    if out is not None:
        check_path("out", out, "Name a video, a folder or a stream, or leave it out.")
    check_called("on_frame", on_frame, "Give a function that takes one coconet.FusedFrame.")
    check_called("on_alarm", on_alarm, "Give a function that takes one coconet.AlarmEvent.")
    if stop is not None:
        check_type("stop", stop, Event, "a threading.Event, or None", "Make one: stop = threading.Event().")
    if heat is not None:
        _heat(pairs, heat)
    watched = pairs.rig if alarms else None
    if on_alarm is not None and (watched is None or not watched.alarm):
        remedy = "Add an [[alarm]] to the rig file, or leave on_alarm out."
        raise CoconetError(
            "on_alarm",
            wanted="a rig with alarms that are watched",
            got="none",
            remedy=remedy,
            says="would never be called: the rig has no alarms, or they are not watched",
        )
    output = Output(None if out is None else str(out), overwrite=overwrite)
    try:
        output.check(pairs.inputs)
    except AlreadyExists as error:
        raise AlreadyExists(error.path, "Choose another name, or pass overwrite=True.") from None
    output = replace(output, drawn=_drawn(pairs.rig, look))
    gauge = RunStats()
    gauge.on_frame(FrontEndCheck(model.card, pairs.front_end, warnings.warn))
    if watched is not None:
        check_alarms(watched, pairs.inputs)
    with nullcontext() if watched is None else open_alarms(watched, gauge) as watch:
        if watch is not None and on_alarm is not None:
            watch.add(_Caller(on_alarm))
        if on_frame is not None:
            gauge.on_frame(partial(_call, "on_frame", on_frame))
        report = run_pairs(pairs, model, output, ending=Ending(stop=stop or Event()), gauge=gauge)
    if report.trouble:
        warnings.warn(f"{report.trouble}. {report.remedy}", stacklevel=2)
    elif report.counts.out_of_order:  # also of a run that was stopped
        warnings.warn(f"{report.counts.out_of_order}. Give each frame a later timestamp_ns.", stacklevel=2)
    return report


def _heat(pairs: PairStream, heat: float) -> None:
    """Let the pairs be fused in another heat from the first one on."""
    check_heat(heat)
    if pairs.preparation is None:
        remedy = "Open them with coconet.open_rig, coconet.open_pairs or coconet.pair_cameras."
        raise Refused(
            "heat",
            wanted="pairs that are prepared",
            got="pairs as the cameras gave them",
            remedy=remedy,
            says="cannot be applied to pairs as the cameras gave them: they are not prepared",
        )
    pairs.preparation.change(heat_percent=heat)


@dataclass(frozen=True)
class _Caller:
    """Tells a function of the program."""

    call: Callable[[AlarmEvent], object]

    def tell(self, event: AlarmEvent) -> None:
        """Call it."""
        _call("on_alarm", self.call, event)


def _call(argument: str, function: Callable[[_Given], object], given: _Given) -> None:
    """Call a function of the program; what it leaves to be awaited nothing here would await."""
    if inspect.isawaitable(left := function(given)):
        if inspect.iscoroutine(left):
            left.close()
        raise Refused(
            argument,
            wanted="a function that does its work when it is called",
            got="one that leaves something to be awaited",
            remedy="Hand frames to a loop from it: loop.call_soon_threadsafe(queue.put_nowait, frame).",
            says="gives a coroutine, which nothing here awaits: it would never run",
        )


def _drawn(rig: Rig | None, look: Mapping[str, Any] | None) -> Drawn | None:
    """What the output shows; None for the fused picture."""
    fields = {} if look is None else look
    check_type("look", fields, Mapping, "keys of [output]", 'For example look={"show": "edges"}.')
    shown = None if rig is None else with_look(rig, fields, "look")
    output = check_fields(OutputLook, looked_by(OutputLook(), fields), "look") if shown is None else shown.output
    if output.is_plain:
        return None
    from coconet.runtime.drawing.open_renderer import open_renderer
    from coconet.runtime.drawing.renderer import Renderer
    from coconet.runtime.sinks.look_sink import Drawn

    return Drawn(Renderer() if shown is None else open_renderer(shown), lambda: output)
