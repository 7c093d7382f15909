"""How much of the processor time that is asked for is got, as the kernel tells it of each thread."""

from __future__ import annotations

from pathlib import Path

import pytest

from coconet.benchmarks.machine.processor_share import ProcessorShare


def tell(tasks: Path, thread: int, run_ns: int, wait_ns: int) -> None:
    (tasks / str(thread)).mkdir(exist_ok=True)
    (tasks / str(thread) / "schedstat").write_text(f"{run_ns} {wait_ns} 7\n")


def test_time_in_the_queue_of_all_threads_is_held_against_time_that_ran(tmp_path: Path) -> None:
    tell(tmp_path, 1, 1000, 9000)
    share = ProcessorShare(tmp_path)
    assert share.got() == 1.0
    tell(tmp_path, 1, 1100, 9300)
    assert share.got() == pytest.approx(0.25)
    tell(tmp_path, 2, 300, 100)  # began meanwhile
    assert share.got() == pytest.approx(0.5)


def test_a_process_that_nothing_is_told_of_gets_all(tmp_path: Path) -> None:
    assert ProcessorShare(tmp_path / "none").got() == 1.0


def test_no_share_is_zero(tmp_path: Path) -> None:
    share = ProcessorShare(tmp_path)
    tell(tmp_path, 1, 0, 10**9)
    assert share.got() == 0.01
