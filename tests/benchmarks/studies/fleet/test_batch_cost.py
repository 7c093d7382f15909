"""What a cluster comes to on paper, held against sums done by hand."""

from __future__ import annotations

from coconet.benchmarks.studies.fleet.batch_cost import Shares


def test_workers_divide_the_jobs_but_not_their_start_and_the_last_job_is_waited_for() -> None:
    shares = Shares(start_s=2, work_s=1.5)
    assert shares.took_s(600, 10, 1) == 2 + 900
    assert shares.took_s(600, 10, 5) == 2 + 180
    assert shares.took_s(600, 10, 6) == 2 + 180
    assert shares.took_s(600, 10, 1000) == 2 + 90
