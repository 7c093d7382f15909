"""Reports of benchmarks that never ran, for tests of what is done with them."""

from __future__ import annotations

from coconet.benchmarks.machine.device import Device
from coconet.benchmarks.results.report import BenchReport
from coconet.benchmarks.results.schema import Layer, Quality, Row, Startup, Stream
from coconet.runtime.loop.latency_log import Percentiles


def row_of(entry: str, middle_ms: float, size: tuple[int, int] = (480, 640), **fields: object) -> Row:
    """A row of 12 turns of three frames around a latency."""
    turns = [[middle_ms * (1 + 0.01 * (turn % 3)), middle_ms, middle_ms * 1.5] for turn in range(12)]
    row = Row(
        entry=entry,
        model=entry,
        runner="auto",
        height_px=size[0],
        width_px=size[1],
        network=entry.partition("-")[0],
        precision="int8" if entry.endswith("int8") else "fp32",
        backend="made up",
        file_sha256="ab" * 32,
        startup=Startup(load_ms=120, first_frame_ms=2 * middle_ms, host_mib=80),
        quality=Quality(frames=2, EN=7, AG=4, SF=12, SD=47, SCD=1.8, VIF=0.6 + middle_ms / 1000),
    )
    return row.timed(turns, [5.0, 5.5] * 6, [12], complete=True).model_copy(update=fields)


def report_of(*rows: Row, processor: str = "Test CPU") -> BenchReport:
    """A report of these rows on a device of that processor."""
    device = Device(processor=processor, cores=2, packages=("numpy 2",), busy=0.1)
    return BenchReport(made="2026-11-24 00:00:00 UTC", device=device, frames="2 synthetic pairs", rule="x", rows=rows)


def full_report() -> BenchReport:
    """One with everything a page can show."""
    times = Percentiles(20, 30, 40)
    stream = Stream(
        file_frames=9, file_fps=31, camera_fps=30, live_fps=29, dropped_share=0.1, latency_ms=times, skew_ms=times
    )
    layers = (
        Layer(name="conv<1>", operator="Conv", time_ms=4, share=0.8),
        Layer(name="2 others", operator="", time_ms=1, share=0.2),
    )
    int8 = Quality(
        frames=2, EN=7, AG=4, SF=12, SD=47, SCD=1.8, VIF=0.6, reference="lite", psnr_db=52.5, worst_psnr_db=50
    )
    return report_of(
        row_of("lite", 25, stream=stream, layers=layers),
        row_of("lite-int8", 30, quality=int8),
        row_of("coconet", 1800),
        row_of("lite", 7, size=(256, 320)),
        Row(entry="broken", model="broken", runner="auto", height_px=480, width_px=640, refused="no <such> file"),
    )
