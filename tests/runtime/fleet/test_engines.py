"""Whole batches on real workers: processes of this machine and actors of Ray, some of which are killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from threading import Event

import pytest

from coconet.runtime.fleet.batch import run_batch
from coconet.runtime.fleet.engine import JobMessage
from coconet.runtime.fleet.job import BatchSettings, Job, Progress, WorkerShare
from coconet.runtime.fleet.job_list import read_jobs
from coconet.runtime.fleet.local_engine import LocalEngine
from tests.support.programs.command_line import command
from tests.support.programs.patience import PATIENCE_S
from tests.support.rigs.fleet_tree import contents, cut_in_the_middle, write_recording, write_tree

pytestmark = pytest.mark.slow

WORDS = ("--model", "average", "--cores", 1, "--workers", 2)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight recordings, one cut off in the middle and one with a wrong rig file."""
    folder = write_tree(tmp_path_factory.mktemp("fleet") / "tree", 8)
    cut_in_the_middle(folder / "night-2")
    (folder / "night-5" / "rig.toml").write_text("[visible]\n")
    return folder


@pytest.fixture(scope="module")
def made(tree: Path) -> Path:
    """What workers on this machine made of them."""
    out = tree.parent / "local"
    ended = command("batch", tree, "--out", out, *WORDS)
    assert ended.code == 7, ended.err
    assert "failed: night-2: " in ended.err
    assert "failed: night-5: " in ended.err
    assert "6 of 8 results are there, 6 of them new; 2 failed" in ended.out
    return out


def report(out: Path) -> dict[str, object]:
    """The report without what differs from one making to the next."""
    told: dict[str, object] = json.loads((out / "report.json").read_text())
    del told["work"]
    return told


def test_again_nothing_is_made_and_the_report_is_the_same(tree: Path, made: Path) -> None:
    before, told = contents(made), report(made)
    ended = command("batch", tree, "--out", made, *WORDS)
    assert (ended.code, "6 of 8 results are there, 0 of them new" in ended.out) == (7, True)
    assert (contents(made), report(made)) == (before, told)


@pytest.mark.skipif(not os.environ.get("COCONET_RAY"), reason="a node of Ray gives up on a busy machine: COCONET_RAY=1")
def test_ray_makes_the_same_bytes_and_the_same_report(tree: Path, made: Path) -> None:
    pytest.importorskip("ray", reason="runs workers on Ray: pip install '.[ray]'")
    out = tree.parent / "ray"
    program = "from coconet.commands.__main__ import main; main()"
    words = [sys.executable, "-c", program, "batch", tree, "--out", out, "--engine", "ray", *WORDS]
    quiet = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled", "RAY_raylet_start_wait_time_s": "600"}
    ended = subprocess.run(
        [str(word) for word in words], env=os.environ | quiet, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 7, ended.stderr
    assert contents(out) == contents(made)
    assert report(out) == report(made)


def test_the_job_of_a_worker_that_is_killed_is_made_by_another_one(tmp_path: Path) -> None:
    write_recording(tmp_path / "tree" / "night", frames=400)
    jobs = read_jobs(tmp_path / "tree", "average")
    settings = BatchSettings(str(tmp_path / "out"), "pictures", score_every=100)
    engine = _Killing(LocalEngine(settings, [WorkerShare((), None)]))
    try:
        result = run_batch(jobs, engine, Event())
    finally:
        engine.close()
    assert engine.killed
    (outcome,) = result.outcomes.values()
    assert outcome.manifest is not None, outcome.reason
    assert len(list((tmp_path / "out" / "night" / "fused").iterdir())) == 400
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["night"]


class _Killing:
    """An engine of processes, of which one is killed as soon as it has fused something."""

    def __init__(self, engine: LocalEngine) -> None:
        self._engine, self.killed = engine, False

    @property
    def free(self) -> int:
        return self._engine.free

    def submit(self, job: Job) -> None:
        self._engine.submit(job)

    def hear(self, within_s: float) -> list[JobMessage]:
        heard = self._engine.hear(within_s)
        if not self.killed and any(isinstance(one.sign, Progress) and one.sign.frames for one in heard):
            self.killed = True
            os.kill(self._engine.pids()[0], signal.SIGKILL)
        return heard

    def close(self) -> None:
        self._engine.close()


def test_after_the_driver_was_killed_only_what_is_missing_is_made(tree: Path, made: Path) -> None:
    out = tree.parent / "killed"
    program = "from coconet.commands.__main__ import main; main()"
    words = [sys.executable, "-c", program, "batch", tree, "--out", out, "--model", "average", "--workers", 1]
    for _ in range(int(os.environ.get("COCONET_KILLS", "1"))):
        with subprocess.Popen([str(word) for word in words], stderr=subprocess.DEVNULL) as driver:
            ended_s = time.monotonic() + PATIENCE_S
            while len(list(out.glob("*/manifest.json"))) < 2 and driver.poll() is None:
                assert time.monotonic() < ended_s
                time.sleep(0.02)
            driver.kill()
    there = len(list(out.glob("*/manifest.json")))
    assert there >= 2
    for manifest in out.glob("*/manifest.json"):
        assert (manifest.parent / "fused.mp4").read_bytes() == (made / manifest.parent.name / "fused.mp4").read_bytes()
    whole = [manifest.parent / "fused.mp4" for manifest in out.glob("*/manifest.json")]
    stamps = {path: path.stat().st_mtime_ns for path in whole}
    ended = command("batch", tree, "--out", out, *WORDS)
    assert (ended.code, "6 of 8 results are there" in ended.out) == (7, True), ended.err
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps
    assert contents(out) == contents(made)
