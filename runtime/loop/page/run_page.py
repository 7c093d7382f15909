"""The page of a run: what it came to, how the cameras were meanwhile, and what its pictures look like."""

from __future__ import annotations

from collections.abc import Sequence

from coconet.errors import counted
from coconet.pages.picture_page import PagePicture, PageTable, PicturePage
from coconet.redaction import redact_text
from coconet.runtime.loop.page.run_pictures import ShownFrame
from coconet.runtime.loop.run_report import RunReport
from coconet.runtime.loop.supervisor import HealthEvent, HealthSum
from coconet.runtime.pairing.stream_counts import CameraCount

_STILL_RUNNING = "Written while the run went on, as every minute: if it runs no more, it was killed or broke off."


def run_page(
    report: RunReport,
    pictures: Sequence[ShownFrame],
    events: Sequence[HealthEvent],
    sources: tuple[str, str],
    sums: Sequence[HealthSum] = (),
) -> PicturePage:
    """Make the page. events: what happened to the cameras. sources: the addresses of visible and infrared camera.

    sums: what the events of the whole run come to.
    """
    visible, infrared = map(redact_text, sources)
    tables = [
        PageTable("The run", ("", ""), [("visible", visible), ("infrared", infrared), *report.facts()]),
        _counts(report),
        PageTable("Milliseconds", ("", "p50", "p95", "p99"), _timings(report)),
    ]
    tables += _happened(report)
    if sums:
        whole = sorted((one.side, one.state, str(one.times), f"{one.seconds:.1f} s") for one in sums)
        tables.append(PageTable("Cameras over the whole run", ("side", "state", "times", "together"), whole))
    if events:
        rows = [(f"{one.seconds:.1f} s", one.side, one.state, redact_text(one.trouble)) for one in events]
        tables.append(PageTable("Health of the cameras", ("after the start", "side", "state", "trouble"), rows))
    return PicturePage(
        title="A run of coconet",
        verdict=f"{_STILL_RUNNING} {_verdict(report)}" if report.running else _verdict(report),
        tables=tables,
        pictures_title="The first frame, one from about the middle, and the last",
        pictures=[PagePicture(_caption(one), one.sheet) for one in pictures],
        notes=_notes(report, events),
    )


def _verdict(report: RunReport) -> str:
    rate = f"{counted(report.fused, 'frame')} fused in {report.seconds:.1f} s, {report.fps:.1f} a second."
    trouble = report.trouble or report.output_loss
    return f"{rate} {trouble[:1].upper()}{trouble[1:]}." if trouble else rate


def _happened(report: RunReport) -> list[PageTable]:
    """What became of the alarms, event by event."""
    if report.happened is None or not report.happened.alarms:
        return []
    rows = [
        (one.utc[:19].replace("T", " "), one.alarm, one.change, redact_text(one.reason), one.recording)
        for one in report.happened.alarms
    ]
    return [PageTable("Alarms", ("UTC", "alarm", "change", "reason", "recording"), rows)]


def _counts(report: RunReport) -> PageTable:
    sides = (("visible", report.counts.visible), ("infrared", report.counts.infrared))
    heads = ("frames", "read", "paired", "dropped", "left over", "damaged", "why dropped")
    return PageTable("Frames of the cameras", heads, [_count_row(side, count) for side, count in sides])


def _count_row(side: str, count: CameraCount) -> tuple[str, ...]:
    counts = (count.read, count.paired, count.dropped, count.left_over, count.damaged)
    return (side, *map(str, counts), str(count.unpaired))


def _timings(report: RunReport) -> list[tuple[str, ...]]:
    return [(name, f"{ms.p50:.1f}", f"{ms.p95:.1f}", f"{ms.p99:.1f}") for name, ms in report.timings()]


def _caption(one: ShownFrame) -> str:
    name = f" ({one.name})" if one.name else ""
    alone = f", without {' and '.join(one.missing)}" if one.missing else ""
    return f"Frame {one.index + 1}{name}, {one.seconds:.2f} s after the first, skew {one.skew_ms:+.1f} ms{alone}"


def _notes(report: RunReport, events: Sequence[HealthEvent]) -> list[str]:
    watched = [] if events else ["No camera was watched, or none has changed its state: recordings have no state."]
    trouble = [f"{report.trouble}. {report.remedy}"] if report.trouble else []
    return [
        "Percentiles: half, 95 and 99 per cent of the frames took no longer. The skew is between the two stamps.",
        *watched,
        *trouble,
        *(f"Left out: {line}" for line in report.left_out),
        *([f"{report.output_loss}."] if report.output_loss else []),
    ]
