"""What a cluster comes to on paper, held against sums done by hand."""

from __future__ import annotations

from coconet.benchmarks.studies.fleet.batch_cost import Cost, Shares, speed_up


def test_workers_divide_the_jobs_but_not_their_start_and_the_last_job_is_waited_for() -> None:
    shares = Shares(start_s=2, work_s=1.5)
    assert shares.took_s(600, 10, 1) == 2 + 900
    assert shares.took_s(600, 10, 5) == 2 + 180
    assert shares.took_s(600, 10, 6) == 2 + 180
    assert shares.took_s(600, 10, 1000) == 2 + 90


def test_two_workers_that_use_no_more_than_one_are_twice_as_fast() -> None:
    assert speed_up(Cost(9, 12, 300), Cost(9, 12, 300)) == 2
    assert speed_up(Cost(9, 12, 300), Cost(9, 15, 300)) == 1.6
