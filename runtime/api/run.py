"""A run from Python: pairs through a model to an output, with a call per fused frame and an Event that ends it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from threading import Event

from coconet.runtime.api.arguments import check_called, check_path, check_type
from coconet.runtime.api.model import FusionModel
from coconet.runtime.frame import FusedFrame
from coconet.runtime.loop.pipeline import Ending
from coconet.runtime.loop.run import FrontEndCheck, run_pairs
from coconet.runtime.loop.run_report import RunReport
from coconet.runtime.loop.run_stats import RunStats
from coconet.runtime.pairing.pair_stream import PairStream
from coconet.runtime.sinks.open_sink import Output


def run(  # noqa: PLR0913  what the command line takes too
    pairs: PairStream,
    model: FusionModel,
    *,
    out: Path | str | None = None,
    on_frame: Callable[[FusedFrame], object] | None = None,
    stop: Event | None = None,
    overwrite: bool = False,
) -> RunReport:
    """Fuse the pairs of a rig until the cameras end or `stop` is set, as `coconet run` does, and say how it went.

    pairs: opened by open_rig or open_pairs and not yet entered; they are closed in the end. model: stays open.
    out: a video (.mp4, .mkv, .mov), a folder for pictures, a picture of a single pair, udp:// or rtsp://; None is
    nowhere. overwrite: whether it may be there already, and is replaced then.
    on_frame: called with every fused frame, in this thread; it holds up the next frame, and must not change the pixels,
    which are being written meanwhile. stop: may be set by any thread, also by on_frame; what was fused is kept.
    Raises CoconetError for an output that cannot be opened, is there already, or is a recording that the cameras read,
    and for what fails on the way, and lets errors of on_frame out; a video stays under its unfinished name then.
    Warns (UserWarning) if an INT8 model was calibrated behind other settings of the thermal front end than those of
    this rig.
    """
    remedy = 'Open a rig first: coconet.open_rig("rig.toml").'
    check_type("pairs", pairs, PairStream, "the pairs of a rig that was opened", remedy)
    check_type("model", model, FusionModel, "a loaded model", 'Load it first: coconet.load("lite").')
    if out is not None:
        check_path("out", out, "Name a video, a folder or a stream, or leave it out.")
    check_called("on_frame", on_frame, "Give a function that takes one coconet.FusedFrame.")
    if stop is not None:
        check_type("stop", stop, Event, "a threading.Event, or None", "Make one: stop = threading.Event().")
    gauge = RunStats()
    gauge.on_frame(FrontEndCheck(model.card, pairs.front_end, warnings.warn))
    if on_frame is not None:
        gauge.on_frame(on_frame)
    ending = Ending(stop=stop or Event())
    output = Output(None if out is None else str(out), overwrite=overwrite)
    output.check(pairs.inputs)
    return run_pairs(pairs, model, output, ending=ending, gauge=gauge)
