"""The driver of a batch, with workers that do as a test says: what is given to whom, and how often."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest

from coconet.errors import CoconetError
from coconet.runtime.fleet.batch import TRIES, BatchProgress, run_batch
from coconet.runtime.fleet.engines.engine import JobMessage, WorkerDied
from coconet.runtime.fleet.job import Job, Outcome, Progress
from coconet.runtime.fleet.report import check_reports, report_of, to_html, write_report
from coconet.runtime.fleet.storage import Results

JOBS = [Job(name, "average", seconds=60) for name in ("one", "two", "three")]
MANIFEST = {"frames": 10, "passed_through": 0, "counts": {}, "trouble": "", "backend": "numpy", "seconds": 1.5}
MANIFEST |= {"model": {"name": "average"}, "scored": 1, "figures": {"EN": 6.5}, "pictures": ["a.png"], "key": "k"}


def made(job: Job) -> Outcome:
    return Outcome(MANIFEST)


class Crew:
    """Two workers; `ends` says what becomes of a job. submitted: the names of the jobs, in order."""

    def __init__(self, ends: Callable[[Job], Outcome | WorkerDied], seconds: float = 0.0) -> None:
        self._ends, self._seconds, self._busy, self.submitted, self.most = ends, seconds, list[Job](), list[str](), 0

    @property
    def free(self) -> int:
        return 2 - len(self._busy)

    @property
    def placeless(self) -> int:
        return 0

    def submit(self, job: Job) -> None:
        assert self.free
        self._busy.append(job)
        self.submitted.append(job.name)

    def hear(self, within_s: float) -> list[JobMessage]:
        job = self._busy.pop(0)
        return [JobMessage(job, Progress(5, self._seconds)), JobMessage(job, self._ends(job))]

    def close(self) -> None:
        """Nobody is there."""


def test_every_job_is_made_once_and_outcomes_are_in_the_order_of_the_jobs() -> None:
    crew, told = Crew(made), list[str]()
    result = run_batch(JOBS, crew, Event(), lambda standing: told.append(standing.to_text()))
    assert crew.submitted == [*result.outcomes] == ["one", "two", "three"]
    assert not result.stopped
    assert told[-1].startswith("3 of 3 done, 0 failed")


def test_the_job_of_a_worker_that_dies_goes_to_another_one() -> None:
    deaths = iter([True])
    crew = Crew(lambda job: WorkerDied("gone") if job.name == "two" and next(deaths, False) else made(job))
    result = run_batch(JOBS, crew, Event())
    assert sorted(crew.submitted) == ["one", "three", "two", "two"]
    assert all(outcome.manifest for outcome in result.outcomes.values())


def test_a_job_that_kills_its_workers_is_given_up_and_the_others_are_made() -> None:
    crew = Crew(lambda job: WorkerDied("ended by SIGKILL") if job.name == "one" else made(job))
    result = run_batch(JOBS, crew, Event())
    assert crew.submitted.count("one") == TRIES
    assert result.outcomes["one"].reason == "given up after 3 workers died of it; the last one: ended by SIGKILL"
    assert [name for name, outcome in result.outcomes.items() if outcome.manifest] == ["two", "three"]


def test_a_bad_recording_is_tried_once() -> None:
    crew = Crew(lambda job: Outcome(None, "no video") if job.name == "one" else made(job))
    assert run_batch(JOBS, crew, Event()).outcomes["one"].reason == "no video"
    assert crew.submitted.count("one") == 1


def test_a_batch_that_is_stopped_takes_no_more_jobs_and_says_so() -> None:
    stop = Event()
    crew = Crew(lambda job: stop.set() or made(job))  # type: ignore[func-returns-value]
    result = run_batch(JOBS, crew, stop)
    assert ([*result.outcomes], crew.submitted, result.stopped) == (["one"], ["one", "two"], True)
    assert result.to_text(3) == "Stopped; 1 of 3 results were looked at, 1 of them new; 0 failed."


@pytest.mark.parametrize(("seconds", "told"), [(9000, "2.5 h"), (5400, "90 min"), (42, "42 s")])
def test_how_much_video_is_left_is_told_in_a_unit_that_suits_it(seconds: float, told: str) -> None:
    standing = BatchProgress(2, lengths={"one": seconds + 30}, under_way={"one": Progress(99, 30)}, begun_s=0)
    assert standing.to_text().endswith(f"frames a second, {told} of video left")


def test_while_nothing_was_fused_no_rate_is_told() -> None:
    there = BatchProgress(2, done=2, skipped=2, begun_s=0).to_text()
    assert there == "2 of 2 done, 2 there already, 0 failed"


def test_nothing_is_left_when_everything_is_made() -> None:
    told, jobs = list[str](), [Job(str(number), "average", seconds=number / 10) for number in (1, 2, 3)]
    run_batch(jobs, Crew(made), Event(), lambda standing: told.append(standing.to_text()))
    assert "left" not in told[-1]


def test_what_is_left_is_told_by_what_is_fused_of_jobs_under_way_and_not_by_what_was_there() -> None:
    jobs = [*JOBS, Job("four", "average", seconds=180)]
    crew = Crew(lambda job: Outcome(MANIFEST, fresh=job.name == "four"), seconds=30.0)
    told = list[tuple[float, float]]()
    run_batch(jobs, crew, Event(), lambda standing: told.append((standing.made_s, standing.total_s)))
    assert told == [(0, 300), (0, 240), (0, 180), (180, 180)]
    standing = BatchProgress.of(jobs)
    standing.under_way = {"one": Progress(90, 45.0), "four": Progress(9, 999.0)}
    assert (standing.made_s, standing.total_s) == (225, 360)


def test_recordings_of_unknown_length_count_as_the_mean_and_no_length_is_told() -> None:
    standing = BatchProgress.of([*JOBS, Job("four", "average")])
    assert (standing.total_s, standing.timed) == (240, False)
    assert "left" not in standing.to_text()
    assert BatchProgress.of([Job("four", "average")]).total_s == 1


def test_a_report_names_folders_whose_names_are_no_text(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9")
    write_report(run_batch([Job(name, "average")], Crew(made), Event()), Results(str(tmp_path)))
    page = (tmp_path / "report.html").read_text()
    assert ('src="caf%E9/a.png"' in page, '<h3 id="caf%E9">caf?</h3>' in page) == (True, True)
    assert name in json.loads((tmp_path / "report.json").read_text())["results"]


@pytest.mark.parametrize("name", ["report.html", "report.json"])
@pytest.mark.parametrize("foreign", [b"<title>Quarter 3</title>", b'{"results": {}}', b"", None])
def test_a_report_that_no_batch_wrote_is_not_replaced(name: str, foreign: bytes | None, tmp_path: Path) -> None:
    results = Results(str(tmp_path))
    write_report(run_batch(JOBS, Crew(made), Event()), results)
    check_reports(results)  # its own is renewed
    (tmp_path / name).unlink()
    check_reports(results)
    if foreign is None:
        (tmp_path / name).symlink_to("nowhere")
    else:
        (tmp_path / name).write_bytes(foreign)
    with pytest.raises(CoconetError, match=f"has {name}, which no batch wrote.* Move it away"):
        check_reports(results)


def test_a_report_elsewhere_is_known_too(tmp_path: Path) -> None:
    pytest.importorskip("fsspec")
    results = Results(f"file://{tmp_path}")
    check_reports(results)
    write_report(run_batch(JOBS, Crew(made), Event()), results)
    check_reports(results)
    (tmp_path / "report.html").write_text("<p>mine</p>")
    with pytest.raises(CoconetError, match=r"has report\.html, which no batch wrote"):
        check_reports(results)


def test_a_report_names_failures_and_shows_figures_and_pictures_and_no_markup_of_others() -> None:
    crew = Crew(lambda job: Outcome(None, "<b>no</b> video") if job.name == "one" else made(job))
    told = report_of(run_batch(JOBS, crew, Event()))
    page = to_html(told)
    assert told["totals"] == {"done": 2, "failed": 1, "frames": 20}
    assert "&lt;b&gt;no&lt;/b&gt; video" in page
    assert '<img loading="lazy" alt="a.png" src="two/a.png">' in page
    assert "<td>6.5</td>" in page
