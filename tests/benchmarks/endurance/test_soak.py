"""A short soak: every fault is survived, and nothing is left open."""

from __future__ import annotations

import dataclasses
import sys
from itertools import count
from threading import Event
from typing import get_args

import pytest

from coconet.benchmarks.commands.soak import soak_table, soak_trouble
from coconet.benchmarks.endurance.hazards import RigFault
from coconet.benchmarks.endurance.soak import SoakPlan, happens_in_time, soak
from coconet.benchmarks.endurance.soak_result import Sample, Soak, Trial
from coconet.commands.__main__ import Stopped
from coconet.runtime.rig.rig_file import HealthTable, Rig

CAMERA = "synthetic://?fps=50&width=64&height=48"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory and handles are read from /proc")
def test_a_rig_is_whole_again_after_every_fault_and_keeps_no_threads_and_handles(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("coconet.benchmarks.endurance.soak.FAULTS", ("error", "resized"))
    health = HealthTable(late_s=0.1, lost_s=0.3, frozen_s=0.2, shutter_s=0.2)
    rig = Rig.from_addresses(CAMERA, CAMERA).model_copy(update={"health": health})
    told: list[Trial] = []
    stop = Event()

    def note(trial: Trial, _: Sample) -> None:
        told.append(trial)
        if trial.fault == "killed":
            stop.set()

    plan = SoakPlan(600.0, fault_s=0.8, recover_s=60.0, rest_s=0.1, viewers=3, alarms=True)
    result = soak(rig, "average", plan, note, stop)
    assert [trial.fault for trial in told] == ["error", "error", "resized", "resized", *get_args(RigFault)]
    assert result.survived
    assert list(result.trials) == told
    assert all(trial.noticed for trial in told if trial.fault in ("error", "killed"))
    assert result.alarms is not None
    assert result.alarms.received
    assert result.alarms.recordings > 0
    assert result.alarms.bounded
    first, last = result.samples[0], result.samples[-1]
    assert last.threads <= first.threads + 4  # those that answer requests end when they have been idle for a while
    assert last.handles <= first.handles + 2


def test_a_soak_stopped_before_its_first_trial_is_no_fault() -> None:
    stop = Event()
    stop.set()
    with pytest.raises(Stopped):
        soak(Rig.from_addresses(CAMERA, CAMERA), "average", SoakPlan(1.0), stop=stop)


def sample(minutes: float, mib: int) -> Sample:
    return Sample(minutes * 60, mib * 2**20, 9, 30)


def test_growth_is_counted_from_five_minutes_on() -> None:
    trial = Trial("visible", "silent", True, 0.4)
    samples = (sample(1, 50), sample(5, 100), sample(30, 101), sample(60, 104))
    result = Soak(9, (trial,), samples)
    assert result.base.memory_bytes == 100 * 2**20
    assert result.memory_growth == pytest.approx(0.04)
    assert "| silent | 1 | 1 | 1 | 0.4 s |" in soak_table(result)


def test_one_odd_sample_is_no_growth() -> None:
    trial = Trial("visible", "silent", True, 0.4)
    samples = [sample(minutes, 500 if minutes in (5, 58) else 100) for minutes in range(1, 61)]
    assert soak_trouble(Soak(9, (trial,), tuple(samples))) is None


def test_threads_that_come_and_go_again_are_no_leak() -> None:
    trial = Trial("visible", "silent", True, 0.4)
    samples = [dataclasses.replace(sample(minute, 100), threads=9 if minute % 3 else 12) for minute in range(1, 31)]
    assert soak_trouble(Soak(9, (trial,), tuple(samples))) is None
    kept = [dataclasses.replace(one, threads=10 if one.seconds > 1200 else 9) for one in samples]
    assert (
        soak_trouble(Soak(9, (trial,), tuple(kept)))
        == "it ended with 10 threads and 30 handles, and began with 9 and 30"
    )


def test_memory_that_goes_up_and_down_with_each_round_is_no_growth() -> None:
    trial = Trial("visible", "silent", True, 0.4)
    samples = [sample(0.1 * at, 170 + at % 16) for at in range(1, 110)]
    assert abs(Soak(9, (trial,), tuple(samples)).memory_growth) < 0.01


def test_the_slope_of_memory_is_that_of_most_samples() -> None:
    trial = Trial("visible", "silent", True, 0.4)
    samples = [sample(minute, 500 if minute == 30 else 100 + minute) for minute in range(1, 61)]
    assert Soak(9, (trial,), tuple(samples)).bytes_an_hour == pytest.approx(60 * 2**20)


def test_a_rig_has_longer_to_be_whole_again_if_it_gets_little_of_the_processor() -> None:
    looks = count()
    assert not happens_in_time(lambda: next(looks) > 8, 0.2)
    looks = count()
    assert happens_in_time(lambda: next(looks) > 8, 0.2, share=lambda: 0.01)


def test_a_rig_that_does_not_come_back_has_not_survived() -> None:
    assert not Soak(9, (Trial("infrared", "ended", True, None),), (sample(1, 1),)).survived


@pytest.mark.parametrize(
    ("end", "told"),
    [
        (Sample(3600, 104 * 2**20, 9, 30), None),
        (Sample(3600, 106 * 2**20, 9, 30), "its memory grew by 6.0%, more than 5%"),
        (Sample(3600, 100 * 2**20, 10, 30), "it ended with 10 threads and 30 handles, and began with 9 and 30"),
        (Sample(3600, 100 * 2**20, 9, 31), "it ended with 9 threads and 31 handles, and began with 9 and 30"),
        (Sample(3600, 100 * 2**20, 9, 30, age_ms=400.0), None),
        (Sample(3600, 100 * 2**20, 9, 30, age_ms=600.0), "its pictures became 600 ms older, more than 500 ms"),
        (Sample(3600, 100 * 2**20, 9, 30, age_ms=900.0, share=0.5), None),
    ],
)
def test_growth_of_memory_threads_handles_and_queues_is_told(end: Sample, told: str | None) -> None:
    trial = Trial("visible", "silent", True, 0.4)
    assert soak_trouble(Soak(9, (trial,), (sample(5, 100), end))) == told
