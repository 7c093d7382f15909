"""Device times: what a frame's way to the GPU, through the model and back takes, each apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class DeviceTimes:
    """Milliseconds of a frame: both pictures to the device, the model on it, and the fused picture back.

    Zero where host and device share their memory and nothing is moved.
    """

    upload_ms: float
    execute_ms: float
    download_ms: float

    @classmethod
    def mean(cls, runs: Sequence[DeviceTimes]) -> DeviceTimes:
        """The mean of each over at least one run."""
        columns = zip(*((run.upload_ms, run.execute_ms, run.download_ms) for run in runs), strict=True)
        return cls(*(sum(column) / len(runs) for column in columns))
