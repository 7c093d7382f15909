from __future__ import annotations

from coconet.benchmarks.studies.processor.busy_process import busy_process


def test_it_runs_inside_the_block_and_is_gone_after_it() -> None:
    with busy_process() as process:
        assert process.poll() is None
    assert process.poll() is not None
