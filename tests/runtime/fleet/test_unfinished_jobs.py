"""Recordings that are not finished: what is being written waits, and what was left is fused and named."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from coconet.errors import CoconetError
from coconet.runtime.fleet.job import Job
from coconet.runtime.fleet.job_list import read_jobs
from coconet.runtime.fleet.unfinished_jobs import without_open
from coconet.writing.scratch import lock_unfinished
from tests.support.rigs.fleet_tree import write_tree


def test_a_recording_being_written_waits_and_one_that_was_left_is_fused_with_a_warning(tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "archive", 3)
    held = (tree / "night-0").rename(tree / "night-0.unfinished")
    left = (tree / "night-1").rename(tree / "night-1.unfinished")
    lock = lock_unfinished(held)
    assert lock is not None
    found = without_open(read_jobs(tree, "average"))
    os.close(lock)
    assert [job.name for job in found.jobs] == ["night-1.unfinished", "night-2"]
    assert found.notes[0].startswith("night-0.unfinished: is still being written")
    assert [job.note.endswith(f"to keep it, rename {left} to night-1.") for job in found.jobs] == [True, False]
    after = without_open(read_jobs(tree, "average"))
    assert [job.name for job in after.jobs] == ["night-0.unfinished", "night-1.unfinished", "night-2"]


def test_a_list_that_names_a_file_being_written_is_treated_alike(tmp_path: Path) -> None:
    film = tmp_path / "day.mp4.unfinished"
    film.write_bytes(b"film")
    jobs = [Job("day", "average", visible=str(film), infrared=str(tmp_path / "night.mp4")), Job("two", "average", "r")]
    lock = lock_unfinished(film)
    assert lock is not None
    assert [job.name for job in without_open(jobs).jobs] == ["two"]
    with pytest.raises(CoconetError, match="are all still being written"):
        without_open(jobs[:1])
    os.close(lock)
    assert [bool(job.note) for job in without_open(jobs).jobs] == [True, False]
