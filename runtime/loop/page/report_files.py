"""The files that the report of a run is written to, each whole or not there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

from coconet.files import whole_file
from coconet.runtime.loop.happenings import HappeningsLog
from coconet.runtime.loop.run_report import RunReport
from coconet.runtime.loop.run_stats import RunStats
from coconet.runtime.loop.supervisor import RunSupervisor
from coconet.runtime.rig.rig_file import Rig

KeepReport = Callable[[RunReport, Rig], RunReport]
"""Writes a report, with what happened meanwhile, to every file that was asked for, and gives it. Takes the rig as well,
as it is at the end."""


@contextmanager
def report_files(
    json_file: Path | None, html: Path | None, rig: Rig, gauge: RunStats, supervisor: RunSupervisor
) -> Iterator[KeepReport]:
    """Open the files before a run, and give what writes its report to them once the supervisor's block is left.

    gauge: gives the frames that the page shows. What a page needs is missed here, before anything is fused for it.
    Raises MissingPackage, and Unwritable as whole_file does; after an error in the block no file is left.
    """
    log = HappeningsLog(gauge)
    keep_page = None if html is None else _page_writer(rig, gauge, supervisor)
    with (
        whole_file(json_file) if json_file else nullcontext() as scratch,
        whole_file(html) if html else nullcontext() as page,
    ):

        def keep(report: RunReport, rig_now: Rig) -> RunReport:
            report = replace(report, happened=log.happened(rig_now))
            if scratch:
                scratch.write_text(report.to_json())
            if page and keep_page:
                page.write_text(keep_page(report), encoding="utf-8")
            return report

        yield keep


def _page_writer(rig: Rig, gauge: RunStats, supervisor: RunSupervisor) -> Callable[[RunReport], str]:
    """What makes the page of a report; from now on frames are kept for it."""
    from coconet.runtime.loop.page.run_page import run_page
    from coconet.runtime.loop.page.run_pictures import RunPictures

    pictures, sources = RunPictures(), (rig.visible.address, rig.infrared.address)
    gauge.on_frame(pictures)
    return lambda report: run_page(report, pictures.choose(), supervisor.events, sources).to_html()
