"""A run: a rig, a model and a sink, opened together, closed together, and what came of it."""

from __future__ import annotations

import dataclasses
from contextlib import closing
from pathlib import Path

from coconet.exit_code import ExitCode, ending_with
from runtime.backend import Backend, open_backend
from runtime.backend_choice import BackendChoice
from runtime.front_end_check import FrontEndCheck
from runtime.pipeline import run_pipeline
from runtime.progress import frame_progress
from runtime.rig import Rig, open_rig
from runtime.run_report import RunReport
from runtime.sink import Output, open_sink
from runtime.stream import PairStream
from runtime.tuner import Tuner
from runtime.vitals import Gauge


def run_rig(
    rig: Rig | Tuner,
    model: Path | str | BackendChoice,
    out: str | Output | None,
    *,
    limit: int | None = None,
    gauge: Gauge | None = None,
) -> RunReport:
    """Fuse what the rig's cameras give, with a progress bar on stderr.

    rig: a Tuner where it is to be changed while it runs. model: as `open_backend` takes it. out: as `open_sink` takes
    it. limit: stop after so many fused frames. gauge: told everything while it goes on.
    Raises CoconetError for whatever cannot be opened, and for what fails on the way; nothing is left under the final
    name then.
    """
    with (
        closing(_opened(model)) as backend,
        _cameras(rig) as pairs,
        frame_progress(limit or pairs.frames_expected) as advance,
    ):
        gauge = gauge or Gauge()
        gauge.on_frame(advance)
        gauge.watch(pairs.health, pairs.drift_px)
        gauge.on_frame(FrontEndCheck(backend.card, pairs.front_end))
        with ending_with(ExitCode.OUTPUT):
            sink = open_sink(out.address, out.rotation) if isinstance(out, Output) else open_sink(out)
        report = run_pipeline(pairs, backend, sink, limit=limit, gauge=gauge)
    if report.interrupted or report.fused == limit:
        return report  # what the cameras had read ahead was not wanted any more, which is no loss
    return dataclasses.replace(report, counts=pairs.counts)  # what the longer recording had left is


def _opened(model: Path | str | BackendChoice) -> Backend:
    with ending_with(ExitCode.MODEL):
        return open_backend(model)


def _cameras(rig: Rig | Tuner) -> PairStream:
    with ending_with(ExitCode.CAMERA):
        return rig.open() if isinstance(rig, Tuner) else open_rig(rig, patient=True)
