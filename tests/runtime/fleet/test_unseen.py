"""A batch that is stopped keeps what its report knew of the results that it did not come to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from coconet.runtime.fleet.batch import BatchResult
from coconet.runtime.fleet.job import Job, Outcome
from coconet.runtime.fleet.report import write_report
from coconet.runtime.fleet.storage import Results
from coconet.runtime.fleet.unseen import with_unseen

JOBS = [Job(name, "average") for name in ("one", "two", "three")]
MANIFEST: dict[str, Any] = {
    "frames": 10,
    "passed_through": 0,
    "counts": {"visible": {"dropped": 2}},
    "trouble": "",
    "backend": "numpy",
    "seconds": 1.5,
    "model": {"name": "average"},
    "scored": 1,
    "figures": {"EN": 6.5},
    "pictures": ["a.png"],
    "key": "k",
    "files": {"fused.mp4": 4},
}


def made(root: Path, name: str, **changes: Any) -> None:
    """Lay a result with its manifest below the root, as a worker does."""
    (root / name).mkdir(parents=True)
    (root / name / "fused.mp4").write_bytes(b"film")
    (root / name / "manifest.json").write_text(json.dumps(MANIFEST | changes))


def report_after(root: Path, outcomes: dict[str, Outcome]) -> tuple[dict[str, Any], str]:
    """Write the report of a stopped batch and read it back, as an object and as a page."""
    results = Results(str(root))
    write_report(with_unseen(BatchResult(outcomes, stopped=True), JOBS, results), results)
    told: dict[str, Any] = json.loads((root / "report.json").read_text())
    return told, (root / "report.html").read_text()


def test_a_repeat_that_is_stopped_at_once_loses_no_line_of_the_report(tmp_path: Path) -> None:
    made(tmp_path, "one")
    made(tmp_path, "two")
    whole = {"one": Outcome(MANIFEST), "two": Outcome(MANIFEST), "three": Outcome(None, "no video")}
    results = Results(str(tmp_path))
    write_report(BatchResult(whole, stopped=False), results)
    before = json.loads((tmp_path / "report.json").read_text())
    for _ in range(2):  # a second one that is stopped has only the report of the first to go by
        told, page = report_after(tmp_path, {})
        assert (told["results"], told["failed"]) == (before["results"], {"three": "no video"})
        assert told["totals"] == before["totals"] == {"done": 2, "failed": 1, "frames": 20}
        assert told["not_looked_at"] == ["one", "two", "three"]
        assert told["work"]["fresh"] == 0
        assert page.count("not looked at this time</td>") == 3
        assert "<h1>2 recordings fused, 1 failed</h1>" in page


def test_what_was_looked_at_stands_in_the_order_of_the_jobs_beside_what_was_not(tmp_path: Path) -> None:
    made(tmp_path, "one")
    told, page = report_after(tmp_path, {"two": Outcome(MANIFEST)})
    assert [*told["results"]] == ["one", "two"]
    assert told["not_looked_at"] == ["one", "three"]
    assert "Not looked at this time, and as before: 1 line below. 1 recording not fused yet." in page


def test_a_result_whose_files_or_manifest_are_not_whole_is_not_fused_yet(tmp_path: Path) -> None:
    made(tmp_path, "one", files={"fused.mp4": 5})
    made(tmp_path, "two", frames="many")
    made(tmp_path, "three")
    told, page = report_after(tmp_path, {})
    assert [*told["results"]] == ["three"]
    assert "2 recordings not fused yet." in page


def test_a_batch_that_came_to_its_end_says_what_it_found_and_nothing_of_before(tmp_path: Path) -> None:
    made(tmp_path, "one")
    ended = BatchResult({job.name: Outcome(None, "no video") for job in JOBS}, stopped=False)
    assert with_unseen(ended, JOBS, Results(str(tmp_path))) is ended
