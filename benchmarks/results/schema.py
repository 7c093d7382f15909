"""What a benchmark found out: the facts of a report, as its JSON file holds them, units in the names."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from coconet.benchmarks.results.intervals import Turns, quantile_interval
from coconet.cards.precision import PrecisionName
from coconet.config import Checked
from coconet.runtime.loop.latency_log import Percentiles


class Summary(Checked):
    """Latencies in ms. The interval of p99 is that of 95 % confidence, None if there are too few frames for one.

    jitter: the mean difference between one frame and the next of the same turn, without sign; None if no
    turn had two.
    """

    frames: int
    p50: float
    p90: float
    p95: float
    p99: float
    max: float
    jitter: float | None
    p99_interval: tuple[float, float] | None

    @classmethod
    def of(cls, turns: Turns) -> Summary:
        """Sum up at least one frame; none is left out."""
        samples = [sample for turn in turns for sample in turn]
        steps = np.concatenate([np.abs(np.diff(turn)) for turn in turns])
        found = quantile_interval(samples, 0.99)
        p50, p90, p95, p99 = (float(value) for value in np.percentile(samples, (50, 90, 95, 99)))
        return cls(
            frames=len(samples),
            p50=p50,
            p90=p90,
            p95=p95,
            p99=p99,
            max=max(samples),
            jitter=float(steps.mean()) if len(steps) else None,
            p99_interval=(found.low, found.high) if found else None,
        )


class Startup(Checked):
    """A model in a fresh process: imports and loading, the first frame, and the most memory it had."""

    load_ms: float
    first_frame_ms: float
    host_mib: float | None
    device_mib: float | None = None


class Stages(Checked):
    """What a GPU backend says of a frame's way, medians in ms."""

    upload_ms: float
    execute_ms: float
    download_ms: float


class Energy(Checked):
    """What the sensors said while a model was working, the board's own needs included.

    source: which sensor. mean_w, frame_j: None without a power sensor. throttled: whether the clock was held down.
    """

    source: str
    mean_w: float | None = None
    frame_j: float | None = None
    clock_mhz: float | None = None
    hottest_c: float | None = None
    throttled: bool | None = None


class Stream(Checked):
    """From two videos to a fused one, decoded and encoded on the way.

    file_fps: fused frames a second as fast as it goes. The rest is at the cameras' own rate, as if live: the share of
    the visible camera's frames that were not fused, and times in ms.
    """

    file_frames: int
    file_fps: float
    camera_fps: float
    live_fps: float
    dropped_share: float
    latency_ms: Percentiles
    skew_ms: Percentiles


class Quality(Checked):
    """Fusion metrics, means over the frames, and how near the pictures are to those of the reference entry.

    reference: its label, None if it is this one or none has the same weights. psnr_db: over all frames at once,
    None against no reference and for equal pictures; worst_psnr_db: of the worst frame, likewise.
    """

    frames: int
    EN: float
    AG: float
    SF: float
    SD: float
    SCD: float
    VIF: float
    reference: str | None = None
    psnr_db: float | None = None
    worst_psnr_db: float | None = None
    equal: bool = False


class Layer(Checked):
    """One node of the graph or one kind of operator: its time in a profiled frame, and its share of all of them."""

    name: str
    operator: str
    time_ms: float
    share: float


class Row(Checked):
    """One model on one runner at one frame size.

    entry: its label. model, runner: what was asked for; backend: what ran it. turns_ms: every timed frame, turn by
    turn; latency sums them up. processes: how many of the turns each process took, one after the other.
    complete: whether the effort was spent, which an interrupted run did not. refused: why it was not timed.
    """

    entry: str
    model: str
    runner: str
    height_px: int
    width_px: int
    network: str = ""
    precision: PrecisionName | None = None
    backend: str = ""
    weights_sha256: str = ""
    file_sha256: str = ""
    startup: Startup | None = None
    latency: Summary | None = None
    turns_ms: tuple[tuple[float, ...], ...] = ()
    yardstick_ms: tuple[float, ...] = ()
    processes: tuple[int, ...] = ()
    complete: bool = True
    refused: str | None = None
    stages: Stages | None = None
    energy: Energy | None = None
    stream: Stream | None = None
    quality: Quality | None = None
    layers: tuple[Layer, ...] = ()

    @property
    def size(self) -> str:
        """The frame size, height first."""
        return f"{self.height_px}x{self.width_px}"

    @property
    def fps(self) -> float | None:
        """Frames a second of the timed frames, one after the other."""
        total_ms = sum(sum(turn) for turn in self.turns_ms)
        return self.latency.frames / total_ms * 1e3 if self.latency and total_ms else None

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes it the same line in another report: label, runner and size."""
        return self.entry, self.runner, self.size

    def timed(
        self,
        turns_ms: Sequence[Sequence[float]],
        yardstick_ms: Sequence[float],
        processes: Sequence[int],
        complete: bool,
    ) -> Row:
        """Give this row its latencies, to a microsecond."""
        turns = tuple(tuple(round(sample, 3) for sample in turn) for turn in turns_ms)
        return self.model_copy(
            update={
                "turns_ms": turns,
                "yardstick_ms": tuple(round(sample, 3) for sample in yardstick_ms),
                "processes": tuple(processes),
                "latency": Summary.of(turns),
                "complete": complete,
            }
        )
