"""coconet bench: from models to a report, over what goes wrong on the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import numpy_helper
from typer.testing import CliRunner, Result

from coconet.benchmarks.commands.bench import app
from coconet.benchmarks.latency.campaign import Group
from coconet.benchmarks.latency.worker import Worker, WorkerState
from coconet.benchmarks.results.report import read_report
from coconet.benchmarks.results.schema import Row
from coconet.cards.frame_size import FrameSize
from coconet.errors import CoconetError
from coconet.runtime.backends.rules.baseline import BaselineBackend
from tests.support.models.engine_files import write_engine
from tests.support.models.tiny_onnx import averaging_model, write_averaging_model
from tests.support.programs.patience import PATIENCE_S

SMALL = ("--size", "64x80", "--count", "1")


def bench(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def crash(held: WorkerState) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def sleep(held: WorkerState) -> None:
    time.sleep(60)


def write_unrunnable(path: Path) -> Path:
    """A model whose card can be read and whose graph cannot be run: it has an operation that nobody knows."""
    model = averaging_model()
    model.graph.node[0].op_type = "Unheard"
    onnx.save(model, path)
    return path


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return write_averaging_model(tmp_path / "tiny.onnx")


@pytest.mark.slow
def test_models_are_timed_compared_and_kept(tiny: Path, tmp_path: Path) -> None:
    answer = bench(tiny, tiny, *SMALL, "--repeats", 5, "--layers", "--streams", 0.3, "--json", tmp_path / "a.json")
    assert answer.exit_code == 0, answer.exception
    first, second = read_report(tmp_path / "a.json").rows
    assert (first.entry, second.entry) == ("tiny.onnx", "tiny.onnx#2")
    assert first.latency
    assert first.latency.frames == 5
    assert first.quality
    assert second.quality
    assert second.quality.reference == "tiny.onnx"
    assert second.quality.equal
    assert first.startup
    assert first.startup.first_frame_ms > 0
    assert first.stream
    assert first.stream.file_frames > 1
    assert first.layers


def test_a_model_that_does_other_work_is_not_timed(tiny: Path, tmp_path: Path) -> None:
    model = averaging_model()
    (last,) = (tensor for tensor in model.graph.initializer if tensor.name == "last.bias")
    last.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(last) + 40, last.name))
    onnx.save(model, tmp_path / "brighter.onnx")
    bench(tiny, tmp_path / "brighter.onnx", *SMALL, "--repeats", 2, "--json", tmp_path / "a.json")
    good, other = read_report(tmp_path / "a.json").rows
    assert good.latency
    assert other.latency is None
    assert other.refused
    assert other.refused.startswith("not the same picture")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("average", "none.onnx"), "none.onnx does not exist; expected a model file, or one of the words lite,"),
        (("average", "liet"), "Did you mean lite?"),
        (("average", "none.safetensors@compile"), "none.safetensors does not exist"),
        (("average", "--frames", "none"), "none"),
    ],
)
def test_what_is_not_there_is_named_before_anything_is_measured(
    words: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coconet.benchmarks.machine.device.this_device", None)
    error = bench(*words, *SMALL, "--repeats", 2).exception
    assert isinstance(error, CoconetError), error
    assert said in str(error)


def test_a_model_that_does_not_load_is_named_and_the_others_are_timed(tmp_path: Path) -> None:
    answer = bench("average", write_unrunnable(tmp_path / "broken.onnx"), *SMALL, "--repeats", 2)
    assert "was not timed" in answer.stdout
    assert answer.exit_code == 0


def test_nothing_to_time_is_an_error(tmp_path: Path) -> None:
    error = bench(write_unrunnable(tmp_path / "none.onnx"), *SMALL).exception
    assert isinstance(error, CoconetError)
    assert "could time none of the models" in str(error)


def test_a_report_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}")
    assert "already" in str(bench("average", *SMALL, "--json", tmp_path / "a.json").exception)


@pytest.mark.slow
def test_a_killed_benchmark_keeps_what_it_measured_and_goes_on(tmp_path: Path) -> None:
    kept, words = tmp_path / "a.json", ["average", "--count", "1", "--size", "64x80", "--size", "48x64"]
    command = [sys.executable, "-c", "from coconet.benchmarks.commands.bench import app; app()"]
    # The baseline ends the first size by its p99 or 3 s; the second one is long enough to be killed in.
    running = subprocess.Popen([*command, *words, "--limit", "3", "--endurance", "--json", str(kept)])
    while not kept.exists() or not read_report(kept).rows:
        assert running.poll() is None
        time.sleep(0.1)
    running.kill()
    running.wait()
    (row,) = read_report(kept).rows
    assert not row.complete
    assert row.latency
    assert row.latency.frames > 0
    assert bench(*words, "--repeats", 3, "--resume", "--json", kept).exit_code == 0
    assert [(row.size, row.complete) for row in read_report(kept).rows] == [("64x80", True), ("48x64", True)]


def test_one_that_breaks_off_says_what_is_kept_and_how_it_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Group.run

    def stopped_at_the_second_size(group: Group, *words: Any) -> list[Row]:
        if group.size != FrameSize.parse(SMALL[1]):
            raise KeyboardInterrupt
        return whole(group, *words)

    monkeypatch.setattr(Group, "run", stopped_at_the_second_size)
    kept, words = tmp_path / "a.json", ("average", *SMALL, "--size", "48x64", "--repeats", 2)
    said = " ".join(bench(*words, "--json", kept).stderr.split())
    assert f"1 whole row in {kept}; the same command with --resume measures the others." in said
    assert [row.size for row in read_report(kept).rows] == [SMALL[1]]
    assert "is kept: pass --json FILE, and --resume goes on from it." in " ".join(bench(*words).stderr.split())


def test_complete_rows_are_not_measured_again(tmp_path: Path) -> None:
    words = ["average", *SMALL, "--repeats", 3, "--json", tmp_path / "a.json"]
    bench(*words)
    before = json.loads((tmp_path / "a.json").read_text())["rows"]
    bench(*words, "--size", "48x64", "--resume")
    after = json.loads((tmp_path / "a.json").read_text())["rows"]
    assert after[:1] == before
    assert len(after) == 2


def test_a_crash_of_a_model_is_a_sentence() -> None:
    with Worker("average", BaselineBackend) as worker, pytest.raises(CoconetError, match="ended with code -9"):
        worker.ask(crash)


def test_a_model_that_never_answers_is_given_up() -> None:
    with Worker("average", BaselineBackend, patience_s=PATIENCE_S) as worker:
        worker._patience_s = 0.1
        with pytest.raises(CoconetError, match=r"gave no answer within 0\.1 s"):
            worker.ask(sleep)


def test_the_default_command_may_be_left_out_and_others_are_found(tmp_path: Path) -> None:
    assert "compare" in bench("--help").stdout
    assert "A.json" in bench("compare", "--help").stdout
    bench("measure", "average", *SMALL, "--repeats", 3, "--json", tmp_path / "a.json")
    answer = bench("compare", tmp_path / "a.json", tmp_path / "a.json")
    assert "no difference" in " ".join(answer.stdout.split())


def test_an_engine_that_is_cut_off_is_refused_before_anything_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coconet.benchmarks.commands.bench._measured", lambda *_: pytest.fail("measured"))
    engine = write_engine(tmp_path)
    engine.write_bytes(engine.read_bytes()[:-1])
    ended = bench("average", engine, *SMALL)
    assert isinstance(ended.exception, CoconetError)
    assert ended.exception.exit_code == 4
    assert "the card of an engine with SHA-256" in ended.exception.wanted
