"""The yardstick: a job that is over when it says so."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from coconet.benchmarks.machine import reference_load
from coconet.benchmarks.machine.reference_load import spread, yardstick_ms

OTHERS = """
import threading, time
from pathlib import Path
from coconet.benchmarks.machine.reference_load import yardstick_ms

def others():
    ours = {str(thread.native_id) for thread in threading.enumerate()}
    tasks = [task for task in Path("/proc/self/task").iterdir() if task.name not in ours]
    return {task.name: int((task / "schedstat").read_text().split()[2]) for task in tasks}

yardstick_ms()
before = None
while before != others():  # what the import of a library has woken
    before = others()
    time.sleep(0.3)
yardstick_ms()
print(before == others())
"""
"""Whether any thread that is not the yardstick's was given a core meanwhile."""


@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="this system does not count a thread's turns")
def test_no_thread_of_a_library_is_woken_that_would_go_on_spinning_when_the_yardstick_is_done() -> None:
    # In a process of its own: what other tests left spinning is none of the yardstick's.
    answer = subprocess.run([sys.executable, "-c", OTHERS], capture_output=True, text=True, check=True, timeout=120)
    assert answer.stdout.split() == ["True"], "threads that spin share their cores with what is timed next"


def test_the_clock_is_read_around_whole_runs_and_the_middle_one_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    runs_ms = [5, 4, 6, 5, 900, 5, 4, 6]
    times = iter([edge for run_ms in runs_ms for edge in (0, run_ms * 10**6)])
    working: list[int] = []
    job = reference_load._exponentials

    def noted(buffer: np.ndarray) -> None:
        working.append(1)
        job(buffer)
        working.pop()

    def clock() -> int:
        assert not working, "the clock was read while a core was still working"
        return next(times)

    monkeypatch.setattr(reference_load, "_exponentials", noted)
    assert yardstick_ms(clock) == 5
    assert next(times, None) is None


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system pins no threads")
def test_only_the_yardsticks_own_threads_stay_on_a_core() -> None:
    before = os.sched_getaffinity(0)
    yardstick_ms()
    assert os.sched_getaffinity(0) == before


def test_the_spread_is_that_of_the_middle_four_fifths() -> None:
    assert spread([5.0] * 20) == 0
    assert spread([4.0] + [5.0] * 18 + [900.0]) == 0
    assert spread([float(value) for value in range(90, 111)]) == pytest.approx(0.16)
