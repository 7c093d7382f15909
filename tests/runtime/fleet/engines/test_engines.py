"""Whole batches on real workers: processes of this machine and actors of Ray, some of which are killed."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from threading import Event

import pytest

from coconet.runtime.fleet.batch import run_batch
from coconet.runtime.fleet.engines.local_engine import LocalEngine
from coconet.runtime.fleet.job import BatchSettings, WorkerShare
from coconet.runtime.fleet.job_list import read_jobs
from tests.support.programs.command_line import command
from tests.support.programs.patience import PATIENCE_S
from tests.support.rigs.fleet_tree import contents, cut_in_the_middle, report, write_recording, write_tree
from tests.support.servers.killing_engine import Killing

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


def test_again_nothing_is_made_and_the_report_is_the_same(tree: Path, made: Path) -> None:
    before, told = contents(made), report(made)
    ended = command("batch", tree, "--out", made, *WORDS)
    assert (ended.code, "6 of 8 results are there, 0 of them new" in ended.out) == (7, True)
    assert (contents(made), report(made)) == (before, told)


def test_the_job_of_a_worker_that_is_killed_is_made_by_another_one(tmp_path: Path) -> None:
    write_recording(tmp_path / "tree" / "night", frames=400)
    jobs = read_jobs(tmp_path / "tree", "average")
    settings = BatchSettings(str(tmp_path / "out"), "pictures", score_every=100)
    engine = Killing(LocalEngine(settings, [WorkerShare(())]), times=1)
    try:
        result = run_batch(jobs, engine, Event())
    finally:
        engine.close()
    assert engine.killed == 1
    (outcome,) = result.outcomes.values()
    assert outcome.manifest is not None, outcome.reason
    assert len(list((tmp_path / "out" / "night" / "fused").iterdir())) == 400
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["night"]


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is no signal of a process there")
def test_a_worker_that_is_only_starting_does_not_hear_of_ctrl_c(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write_recording(tmp_path / "tree" / "night")
    engine = LocalEngine(BatchSettings(str(tmp_path / "out"), score_every=100), [WorkerShare(())] * 2)
    try:
        begun = engine.pids()
        for pid in begun:
            os.kill(pid, signal.SIGINT)  # as a terminal does, before they have read a line
        result = run_batch(read_jobs(tmp_path / "tree", "average"), engine, Event())
        assert engine.pids() == begun
    finally:
        engine.close()
    (outcome,) = result.outcomes.values()
    assert outcome.manifest is not None, outcome.reason
    assert capfd.readouterr().err == ""


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


def complete(out: Path) -> dict[str, int]:
    """When each result that is complete got its manifest."""
    return {path.parent.name: path.stat().st_mtime_ns for path in out.glob("*/manifest.json")}


def test_however_often_and_whenever_a_batch_is_killed_no_result_is_half_and_none_is_made_twice(
    tree: Path, made: Path
) -> None:
    out, moments = tree.parent / "often", random.Random(5)  # noqa: S311 - moments
    program = "from coconet.commands.__main__ import main; main()"
    words = [sys.executable, "-c", program, "batch", tree, "--out", out, *WORDS]
    known, kills = complete(out), 0
    while kills < int(os.environ.get("COCONET_KILLS", "2")):
        if len(known) == 6:
            shutil.rmtree(out)
            known = {}
        with subprocess.Popen(
            [str(word) for word in words], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        ) as one:
            with suppress(subprocess.TimeoutExpired):
                one.wait(moments.uniform(0, 12))
            one.kill()
        kills += 1
        now = complete(out)
        assert known.items() <= now.items()
        for name in now:
            assert (out / name / "fused.mp4").read_bytes() == (made / name / "fused.mp4").read_bytes()
        known = now
    assert command("batch", tree, "--out", out, *WORDS).code == 7
    assert known.items() <= complete(out).items()
    assert contents(out) == contents(made)
