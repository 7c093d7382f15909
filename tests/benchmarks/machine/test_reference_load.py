"""The yardstick: a job that is over when it says so."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from coconet.benchmarks.machine.reference_load import spread, yardstick_ms

IDLE = """
import time
from coconet.benchmarks.machine.reference_load import yardstick_ms
yardstick_ms()
worked_s = time.process_time()
time.sleep(0.2)
print(time.process_time() - worked_s)
"""


def test_no_thread_goes_on_working_when_the_yardstick_is_done() -> None:
    # In a process of its own: what other tests left spinning is none of the yardstick's.
    answer = subprocess.run([sys.executable, "-c", IDLE], capture_output=True, text=True, check=True)
    assert float(answer.stdout) < 0.05, "threads that spin share their cores with what is timed next"


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system pins no threads")
def test_only_the_yardsticks_own_threads_stay_on_a_core() -> None:
    before = os.sched_getaffinity(0)
    yardstick_ms()
    assert os.sched_getaffinity(0) == before


def test_the_spread_is_that_of_the_middle_four_fifths() -> None:
    assert spread([5.0] * 20) == 0
    assert spread([4.0] + [5.0] * 18 + [900.0]) == 0
    assert spread([float(value) for value in range(90, 111)]) == pytest.approx(0.16)
