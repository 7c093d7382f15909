"""What is known of the jobs that a stopped batch did not look at: results and failures of the times before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from coconet.runtime.fleet.batch import BatchResult
from coconet.runtime.fleet.job import REPORT_JSON, Job, Outcome
from coconet.runtime.fleet.manifest import read_complete_manifest
from coconet.runtime.fleet.storage import Results


def with_unseen(result: BatchResult, jobs: Sequence[Job], results: Results) -> BatchResult:
    """The result with an outcome for every job, so that its report says no less than the one that it replaces.

    Of a job without an outcome that is the manifest beside its result, or the failure that the last report names; their
    `looked_at` is False. Of a job of which nothing is known, the outcome has neither manifest nor reason.
    """
    if len(result.outcomes) == len(jobs):
        return result
    told = (results.read_json(REPORT_JSON) or {}).get("failed")
    failed = told if isinstance(told, dict) else {}
    outcomes = {job.name: result.outcomes.get(job.name) or _of_before(job, failed, results) for job in jobs}
    return replace(result, outcomes=outcomes)


def _of_before(job: Job, failed: Mapping[str, Any], results: Results) -> Outcome:
    reason = failed.get(job.name)
    if isinstance(reason, str) and reason:
        return Outcome(None, reason, fresh=False, looked_at=False)
    return Outcome(read_complete_manifest(results, job), fresh=False, looked_at=False)
