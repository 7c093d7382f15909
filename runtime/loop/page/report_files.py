"""The files that the report of a run is written to: each minute as far as it is, and at the end; each whole."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from coconet.errors import CoconetError
from coconet.event_log import log_event
from coconet.files import whole_file
from coconet.runtime.loop.happenings import HappeningsLog
from coconet.runtime.loop.run_report import RunReport
from coconet.runtime.loop.run_stats import RunStats
from coconet.runtime.loop.supervisor import RunSupervisor
from coconet.runtime.rig.live_settings import AdjustableRig
from coconet.runtime.rig.rig_file import Rig
from coconet.runtime.threads.background import Background

KeepReport = Callable[[RunReport], RunReport]
"""Writes a report, with what happened meanwhile, to every file that was asked for, and gives it."""

EVERY_S = 60.0

_FINISH_S = 60.0  # for a report under way when the run ends, on a slow disk


@contextmanager
def report_files(
    json_file: Path | None,
    html: Path | None,
    tuner: AdjustableRig,
    gauge: RunStats,
    supervisor: RunSupervisor,
) -> Iterator[KeepReport]:
    """Open the files before a run, and give what writes its report to them once the supervisor's block is left.

    gauge: gives the frames that the page shows. tuner: the rig as it is now. What a page needs is missed here, before
    anything is fused for it. Within the block the report is written each EVERY_S as far as it is, marked as running;
    after an error in the block, or a kill, that is what is left.
    Raises MissingPackage, and Unwritable as whole_file does.
    """
    log, forms = HappeningsLog(gauge), dict[Path, Callable[[RunReport], str]]()
    if json_file is not None:
        forms[json_file] = RunReport.to_json
    if html is not None:
        forms[html] = _page_writer(tuner.rig, gauge, supervisor)

    def write_so_far() -> None:
        if gauge.vitals() is None:  # not begun
            return
        so_far = RunReport.of(gauge.figures(), gauge.counts(), interrupted=False)
        so_far = replace(so_far, happened=log.happened(tuner.rig), running=True)
        for path, form in forms.items():
            _write_if_possible(path, form(so_far))

    with ExitStack() as stack:
        scratches = {path: stack.enter_context(whole_file(path)) for path in forms}

        def keep(report: RunReport) -> RunReport:
            report = replace(report, happened=log.happened(tuner.rig))
            for path, form in forms.items():
                scratches[path].write_text(form(report), encoding="utf-8")
            return report

        if forms:
            interim = _Interim(write_so_far, EVERY_S)
            interim.start()
            stack.callback(interim.stop, _FINISH_S)  # before the last report gets its name
        yield keep


def _write_if_possible(path: Path, text: str) -> None:
    """Write a file whole; a disk that takes none is no reason to end the run that it tells of."""
    try:
        with whole_file(path) as scratch:
            scratch.write_text(text, encoding="utf-8")
    except CoconetError as error:
        log_event("report", level=logging.WARNING, file=str(path), trouble=str(error))


class _Interim(Background):
    """Writes again and again until it is asked to stop."""

    def __init__(self, write: Callable[[], None], every_s: float) -> None:
        self._write, self._every_s = write, every_s
        super().__init__(self._keep_writing, "report")

    def _keep_writing(self) -> None:
        while not self.stopping.wait(self._every_s):
            self._write()


def _page_writer(rig: Rig, gauge: RunStats, supervisor: RunSupervisor) -> Callable[[RunReport], str]:
    """What makes the page of a report; from now on frames are kept for it."""
    from coconet.runtime.loop.page.run_page import run_page
    from coconet.runtime.loop.page.run_pictures import RunPictures

    pictures, sources = RunPictures(), (rig.visible.address, rig.infrared.address)
    gauge.on_frame(pictures)
    return lambda report: run_page(report, pictures.choose(), supervisor.events, sources, supervisor.sums).to_html()
