"""A run: a rig, a model and a sink, opened together, closed together, and what came of it."""

from __future__ import annotations

import dataclasses
from contextlib import closing
from pathlib import Path

from runtime.backend import open_backend
from runtime.backend_choice import BackendChoice
from runtime.frame import FusedFrame
from runtime.pipeline import OnFrame, run_pipeline
from runtime.progress import frame_progress
from runtime.rig import Rig, open_rig
from runtime.run_report import RunReport
from runtime.sink import open_sink


def run_rig(
    rig: Rig,
    model: Path | str | BackendChoice,
    out: str | None,
    *,
    limit: int | None = None,
    on_frame: OnFrame | None = None,
) -> RunReport:
    """Fuse what the rig's cameras give, with a progress bar on stderr.

    model: as `open_backend` takes it. out: as `open_sink` takes it. limit: stop after so many fused frames.
    on_frame: called after each. Raises CoconetError for whatever cannot be opened, and for what fails on the way;
    nothing is left under the final name then.
    """
    with (
        closing(open_backend(model)) as opened,
        open_rig(rig) as pairs,
        frame_progress(limit or pairs.frames_expected) as advance,
    ):

        def note(frame: FusedFrame) -> None:
            advance(frame)
            if on_frame is not None:
                on_frame(frame)

        report = run_pipeline(pairs, opened, open_sink(out), limit=limit, on_frame=note)
    if report.interrupted or report.fused == limit:
        return report  # what the cameras had read ahead was not wanted any more, which is no loss
    return dataclasses.replace(report, counts=pairs.counts)  # what the longer recording had left is
