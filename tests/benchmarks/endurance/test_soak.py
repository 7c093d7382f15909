"""A short soak: every fault is survived, and nothing is left open."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from coconet.benchmarks.commands.soak import soak_table, soak_trouble
from coconet.benchmarks.endurance.soak import SoakPlan, soak
from coconet.benchmarks.endurance.soak_result import Sample, Soak, Trial
from coconet.runtime.rig.rig_file import HealthTable, Rig

CAMERA = "painted://?fps=50&width=64&height=48"


@pytest.mark.skipif(sys.platform != "linux", reason="memory and handles are read from /proc")
def test_a_rig_is_whole_again_after_every_fault_and_keeps_no_threads_and_handles() -> None:
    health = HealthTable(late_s=0.1, lost_s=0.3, frozen_s=0.2, shutter_s=0.2)
    rig = Rig.from_addresses(CAMERA, CAMERA).model_copy(update={"health": health})
    told: list[Trial] = []
    note: Callable[[Trial, Sample], None] = lambda trial, _: told.append(trial)  # noqa: E731
    result = soak(rig, "average", SoakPlan(5.0, fault_s=0.8, recover_s=20.0, rest_s=0.1), note)
    assert result.survived
    assert list(result.trials) == told
    assert all(trial.noticed for trial in told if trial.fault in ("silent", "error"))
    assert result.samples[-1].threads <= result.samples[0].threads
    assert result.samples[-1].handles <= result.samples[0].handles + 2


def sample(minutes: float, mib: int) -> Sample:
    return Sample(minutes * 60, mib * 2**20, 9, 30)


def test_growth_is_counted_from_five_minutes_on() -> None:
    trial = Trial("visible", "silent", True, 0.4)
    samples = (sample(1, 50), sample(5, 100), sample(30, 101), sample(60, 104))
    result = Soak(9, (trial,), samples)
    assert result.base.resident_bytes == 100 * 2**20
    assert result.memory_growth == pytest.approx(0.04)
    assert "| silent | 1 | 1 | 1 | 0.4 s |" in soak_table(result)


def test_a_rig_that_does_not_come_back_has_not_survived() -> None:
    assert not Soak(9, (Trial("infrared", "ended", True, None),), (sample(1, 1),)).survived


@pytest.mark.parametrize(
    ("end", "told"),
    [
        (Sample(3600, 104 * 2**20, 9, 30), None),
        (Sample(3600, 106 * 2**20, 9, 30), "6.0% more memory"),
        (Sample(3600, 100 * 2**20, 10, 30), "10 threads and 30 handles, after 9 and 30"),
        (Sample(3600, 100 * 2**20, 9, 31), "9 threads and 31 handles, after 9 and 30"),
    ],
)
def test_growth_of_memory_threads_and_handles_is_told(end: Sample, told: str | None) -> None:
    trial = Trial("visible", "silent", True, 0.4)
    assert soak_trouble(Soak(9, (trial,), (sample(5, 100), end))) == told
