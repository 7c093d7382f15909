"""Batches on Ray, started on this machine: the same bytes as without it, and workers and drivers that are killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import cast

import pytest

from coconet.runtime.fleet.batch import TRIES, BatchResult, run_batch
from coconet.runtime.fleet.engines.open_engine import open_engine
from coconet.runtime.fleet.job import BatchSettings, WorkerShare
from coconet.runtime.fleet.job_list import read_jobs
from tests.support.programs.command_line import command
from tests.support.programs.patience import PATIENCE_S
from tests.support.rigs.fleet_tree import contents, cut_in_the_middle, report, write_recording, write_tree
from tests.support.servers.killing_engine import Killable, Killing

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not os.environ.get("COCONET_RAY"), reason="starts a Ray on this machine: COCONET_RAY=1"),
]

PROGRAM = "from coconet.commands.__main__ import main; main()"

PATIENT = {"RAY_raylet_start_wait_time_s": "600"}  # for a machine that has much to do


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight recordings, one cut off in the middle and one with a wrong rig file."""
    folder = write_tree(tmp_path_factory.mktemp("ray") / "tree", 8)
    cut_in_the_middle(folder / "night-2")
    (folder / "night-5" / "rig.toml").write_text("[visible]\n")
    return folder


@pytest.fixture(scope="module")
def made(tree: Path) -> Path:
    """What processes of this machine make of them."""
    assert command("batch", tree, "--out", tree.parent / "local", *words_of("local")).code == 7
    return tree.parent / "local"


def words_of(engine: str) -> tuple[str, ...]:
    return "--engine", engine, "--model", "average", "--workers", "2", "--cores", "1"


@contextmanager
def driver(*words: object, folder: Path | None = None) -> Iterator[subprocess.Popen[str]]:
    """A batch in a process of its own."""
    text = [sys.executable, "-c", PROGRAM, "batch", *map(str, words)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(text, env=os.environ | PATIENT, cwd=folder, text=True, **pipes) as running:  # type: ignore[call-overload]
        yield running


def killed_batch(tmp_path: Path, times: int) -> tuple[BatchResult, int]:
    """Two recordings by one actor, which is killed again and again while it makes the long one."""
    os.environ.update(PATIENT)
    write_recording(tmp_path / "tree" / "long", frames=600)
    write_recording(tmp_path / "tree" / "short")
    settings = BatchSettings(str(tmp_path / "out"), "pictures", score_every=100)
    engine = Killing(cast("Killable", open_engine("ray", settings, [WorkerShare((), threads=1)], None)), times, "long")
    try:
        return run_batch(read_jobs(tmp_path / "tree", "average"), engine, Event()), engine.killed
    finally:
        engine.close()


def test_ray_makes_the_same_bytes_and_the_same_report_also_of_relative_paths(tree: Path, made: Path) -> None:
    with driver("tree", "--out", "ray", *words_of("ray"), folder=tree.parent) as running:
        out, err = running.communicate()
    assert (running.returncode, "6 of 8 results are there, 6 of them new; 2 failed" in out) == (7, True), err
    assert [line.split(":")[1].strip() for line in err.splitlines()] == ["night-2", "night-5"]
    assert contents(tree.parent / "ray") == contents(made)
    told = report(tree.parent / "ray")
    told["failed"] = {name: why.replace("tree/", f"{tree}/") for name, why in told["failed"].items()}
    assert told == report(made)


def test_the_job_of_an_actor_that_is_killed_is_made_by_another_one(tmp_path: Path) -> None:
    result, killed = killed_batch(tmp_path, 1)
    assert killed == 1
    assert [outcome.manifest is not None for outcome in result.outcomes.values()] == [True, True]
    assert len(list((tmp_path / "out" / "long" / "fused").iterdir())) == 600
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["long", "short"]


def test_a_job_that_kills_every_actor_is_given_up_and_the_others_are_made(tmp_path: Path) -> None:
    result, killed = killed_batch(tmp_path, TRIES)
    assert killed == TRIES
    assert result.outcomes["long"].reason.startswith("given up after 3 workers died of it; the last one: ")
    assert result.outcomes["short"].manifest is not None
    assert not (tmp_path / "out" / "long").exists()


def test_after_the_driver_was_killed_only_what_is_missing_is_made(tree: Path, made: Path) -> None:
    out = tree.parent / "killed"
    with driver(tree, "--out", out, *words_of("ray")) as running:
        ended_s = time.monotonic() + PATIENCE_S
        while len(list(out.glob("*/manifest.json"))) < 2 and running.poll() is None:
            assert time.monotonic() < ended_s
            time.sleep(0.02)
        running.kill()
    stamps = {
        path: path.stat().st_mtime_ns for path in out.glob("*/fused.mp4") if (path.parent / "manifest.json").exists()
    }
    with driver(tree, "--out", out, *words_of("ray")) as running:
        told, err = running.communicate()
    assert (running.returncode, "6 of 8 results are there" in told) == (7, True), told + err
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps
    assert contents(out) == contents(made)


def test_a_driver_that_is_asked_to_end_says_what_is_left(tmp_path: Path) -> None:
    write_recording(tmp_path / "tree" / "short")
    write_recording(tmp_path / "tree" / "very-long", frames=3000)
    with driver(tmp_path / "tree", "--out", tmp_path / "out", *words_of("ray"), "--as", "pictures") as running:
        ended_s = time.monotonic() + PATIENCE_S
        while not (tmp_path / "out" / "short" / "manifest.json").exists():
            assert time.monotonic() < ended_s
            time.sleep(0.02)
        running.send_signal(signal.SIGTERM)
        told, err = running.communicate()
    assert (running.returncode, "Stopped; 1 of 2 results were looked at" in told) == (130, True), told + err
    assert report(tmp_path / "out")["stopped"] is True


def test_a_cluster_that_is_not_there_and_one_without_a_number_of_workers_are_refused(tree: Path) -> None:
    words = (tree, "--out", tree.parent / "none", "--engine", "ray", "--address", "127.0.0.1:9")
    ended = command("batch", *words)
    assert (ended.code, "how many workers the cluster is to run" in ended.err) == (2, True)
    with driver(*words, "--workers", 1) as running:
        _, err = running.communicate()
    assert (running.returncode, "--address 127.0.0.1:9 cannot be reached" in err) == (2, True), err
