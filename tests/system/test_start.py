"""What a run imports and does until its first frame: what it does not need would be waited for at every start."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest

from coconet.commands.__main__ import IDLE_SLEEPS
from coconet.runtime.picking.candidate import candidates_of
from coconet.runtime.picking.pick import Pick, PickPlace
from tests.support.media.moving_video import moving_video
from tests.support.models.tiny_onnx import write_averaging_model
from tests.support.programs.command_line import command

pytest.importorskip("openvino", reason="OpenVINO is not installed: the extra openvino brings it")

PROGRAM = """
import sys
try:
    from coconet.commands.__main__ import main; main()
finally:
    print("imported", *sys.modules)
"""

UNASKED = {
    "coconet.cards.engine_card",
    "coconet.media.pairs",
    "coconet.runtime.alarms.alarm_watch",
    "coconet.runtime.backends.ort_cpu",
    "coconet.runtime.backends.remote.backend",
    "coconet.runtime.backends.tensorrt.own_engine",
    "coconet.runtime.cameras.device.csi",
    "coconet.runtime.cameras.recorded",
    "coconet.runtime.doctor",
    "coconet.runtime.heat.meters",
    "coconet.runtime.heat.reading",
    "coconet.runtime.picking.trial",
    "coconet.runtime.serving",
    "coconet.runtime.sinks.network_stream",
    "coconet.runtime.viewers.live_page",
    "multiprocessing",
    "numpy.ma",
}
"""What is for engines, pages, streams, servers, alarms, meters, pictures in folders and reports of a machine, and no
part of a run without them."""


def remember_pick(model: Path, height: int, width: int) -> None:
    """Let OpenVINO be what was found fastest for a model and a size of frames in colour."""
    pick = Pick(
        model=model.name,
        kind="openvino",
        size_px=(height, width),
        processor="P",
        cores=2,
        date="2026-01-02T03:04:05+00:00",
        reference_ms=1.0,
        rows=(),
    )
    assert PickPlace.of(candidates_of(model), (height, width, 3)).save(pick) == ""


def imported_by_run(*words: object) -> set[str]:
    """Fuse a frame in a process of its own, and give the names of all modules that are imported then."""
    started = [sys.executable, "-c", PROGRAM, "run", *map(str, words), "--frames", "1"]
    ended = subprocess.run(started, capture_output=True, check=True)
    return set(ended.stdout.rpartition(b"imported ")[2].decode().split())


def test_a_run_imports_one_runtime_the_one_that_was_picked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COCONET_PICK")
    model, videos = write_averaging_model(tmp_path / "m.onnx"), [tmp_path / "visible.ts", tmp_path / "infrared.ts"]
    for video in videos:
        video.write_bytes(moving_video(frames=3))
    remember_pick(model, 120, 160)
    imported = imported_by_run(*videos, "--model", model, "--out", "raw:-")
    assert "openvino" in imported
    assert not imported & {"onnxruntime", "onnx", "torch", "tensorrt", "scipy", "matplotlib"}
    assert not imported & UNASKED


def test_a_run_looks_for_commands_and_plugins_in_no_package_but_ours(tmp_path: Path) -> None:
    video = tmp_path / "video.ts"
    video.write_bytes(moving_video(frames=3))
    listening = "import sys; opened = set()\n"
    listening += "sys.addaudithook(lambda event, facts: opened.add(str(facts[0])) if event == 'open' else None)\n"
    telling = "    print('announced', *(name for name in opened if name.endswith('entry_points.txt')), sep='\\n')"
    words = ["run", str(video), str(video), "--model", "average", "--frames", "1"]
    started = [sys.executable, "-c", listening + PROGRAM + telling, *words]
    ended = subprocess.run(started, capture_output=True, text=True, check=True)
    assert len(ended.stdout.partition("announced\n")[2].splitlines()) == 1


@pytest.mark.parametrize(("words", "looked_for"), [(["--help"], False), (["run", "--list-models"], True)])
def test_garbage_is_looked_for_once_a_command_is_loaded_and_not_at_the_end(words: list[str], looked_for: bool) -> None:
    program = f"import gc\n{PROGRAM}    print(gc.isenabled(), len(gc.get_objects()) < 100)"
    started = [sys.executable, "-c", program, *words]
    ended = subprocess.run(started, capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines()[-1] == f"{looked_for} True"


def test_what_was_imported_is_no_garbage_to_be_looked_through() -> None:
    program = "import gc; from coconet.installation.garbage import look_for_garbage_again, put_off_garbage\n"
    program += "put_off_garbage(); kept = [[] for _ in range(5000)]; look_for_garbage_again()\n"
    program += "print(gc.isenabled(), gc.get_freeze_count() > 5000)"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "True True"


@pytest.mark.parametrize("said", [None, "10"])
def test_idle_threads_of_numpy_sleep_unless_the_user_says_otherwise(said: str | None) -> None:
    name, ours = IDLE_SLEEPS
    program = f"import os\n{PROGRAM}    print(os.environ[{name!r}])"
    started = [sys.executable, "-c", program, "--version"]
    environment = {**os.environ, **({} if said is None else {name: said})}
    ended = subprocess.run(started, capture_output=True, text=True, check=True, env=environment)
    assert ended.stdout.splitlines()[-1] == (said or ours)


def test_a_program_that_calls_the_command_line_keeps_its_own_garbage_collector() -> None:
    frozen = gc.get_freeze_count()
    assert command("run", "--list-models").code == 0
    assert (gc.isenabled(), gc.get_freeze_count()) == (True, frozen)
