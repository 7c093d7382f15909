"""A command that is asked to stop ends in order, whatever it waits for: nothing half-written, the documented code."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from coconet.errors import ExitCode
from coconet.networks.tensors.state_dict import load_tensor_file
from coconet.runtime.commands.run import run
from tests.support.media.frames import frames_in_video
from tests.support.media.pair_folders import write_pair
from tests.support.models.conv_onnx import write_conv_model
from tests.support.programs.awaited import await_of
from tests.support.programs.called import call
from tests.support.programs.patience import PATIENCE_S

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals are sent as POSIX does")

ALIKE = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
SYNTHETIC = "synthetic://?width=64&height=48&fps=50"
NO_PAIR = f"""
realtime = true
[visible]
address = "{SYNTHETIC}&jitter_ms=6"
[infrared]
address = "{SYNTHETIC}&jitter_ms=6"
offset_ms = 7
[pairing]
tolerance_ms = 0.0001
"""

# A process started in a shell's background ignores Ctrl-C, and so do its children unless they are told otherwise.
PROGRAM = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
from coconet.commands.__main__ import ended_by_signals, main
with ended_by_signals(sys.argv[1]):
    print("begun", flush=True)
    main()
"""


@contextmanager
def started(folder: Path, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command of ours in a folder, inside the block."""
    command, pipe = [sys.executable, "-c", PROGRAM, *words], subprocess.PIPE
    # One thread: several wait for each other at every step, which takes minutes beside other work.
    alone = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, cwd=folder, env=alone) as process:
        try:
            yield process
        finally:
            process.kill()


def stopped(process: subprocess.Popen[bytes], number: int) -> tuple[int, str, str]:
    """Send the signal; the exit code and what was printed on both streams."""
    assert process.poll() is None, process.communicate()
    process.send_signal(number)
    printed, said = process.communicate(timeout=60)
    return process.returncode, printed.decode(), said.decode()


def write_pairs(folder: Path) -> Path:
    """Two pairs of 70x80 with edges in them."""
    y, x = np.mgrid[:70, :80]
    for name in ("a.png", "b.png"):
        sides = (127 + 90 * np.sin(x / 4.0), np.where(y > 40, 220, 30))
        write_pair(folder, name, *(pixels.astype(np.uint8) for pixels in sides))
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("number", ALIKE)
def test_a_training_that_is_stopped_goes_on_where_it_was(tmp_path: Path, number: int) -> None:
    write_pairs(tmp_path / "pairs")
    words = ("train", "--data", "pairs", "--out", "run", "--batch", "1", "--patch", "64")
    with started(tmp_path, *words, "--steps", "100000") as it:
        await_of(it, (tmp_path / "run" / "log.csv").exists, 600)
        code, _, said = stopped(it, number)
    assert code == 130, said
    assert said.endswith("stopped\n")
    assert "Traceback" not in said
    assert files(tmp_path / "run") == ["lite.recipe.toml", "log.csv", "state.pt"]
    step = load_tensor_file(tmp_path / "run" / "state.pt")["step"]
    assert step >= 20


@pytest.mark.parametrize("number", ALIKE)
@pytest.mark.parametrize("command", ["calibrate", "build", "bench", "train", "export"])
def test_a_command_that_is_stopped_while_it_begins_leaves_nothing(tmp_path: Path, command: str, number: int) -> None:
    write_pairs(tmp_path / "pairs")
    write_conv_model(tmp_path / "m.onnx")
    words = {
        "calibrate": ("m.onnx", "--frames", "pairs"),
        "build": ("m.onnx", "--gpu", "sm86", "--out", "m.engine"),
        "bench": ("lite", "--json", "bench.json"),
        "train": ("--data", "pairs", "--out", "run", "--batch", "1", "--patch", "64"),
        "export": ("lite", "--out", "lite.onnx"),
    }[command]
    with started(tmp_path, command, *words) as it:
        assert it.stdout is not None
        assert it.stdout.readline() == b"begun\n"
        code, _, said = stopped(it, number)
    assert (code, "Traceback" in said) == (130, False), said
    assert set(files(tmp_path)) <= {"pairs", "m.onnx", "run"}


@pytest.mark.parametrize("number", ALIKE)
@pytest.mark.parametrize("command", ["run", "record"])
def test_a_run_that_is_stopped_while_it_begins_ends_as_one_that_was_stopped_later(
    tmp_path: Path, command: str, number: int
) -> None:
    (tmp_path / "rig.toml").write_text(NO_PAIR)
    with started(tmp_path, command, "rig.toml", "--out", "night") as it:
        assert it.stdout is not None
        assert it.stdout.readline() == b"begun\n"
        code, _, said = stopped(it, number)
    assert (code, "Traceback" in said) == (0, False), said
    assert set(files(tmp_path)) <= {"rig.toml"}


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("number", ALIKE)
def test_a_run_leaves_a_whole_video_and_a_report(tmp_path: Path, number: int) -> None:
    with started(
        tmp_path, "run", "--visible", SYNTHETIC, "--infrared", SYNTHETIC, "--model", "average", "--out", "f.mp4"
    ) as it:
        await_of(it, lambda: any(path.stat().st_size for path in tmp_path.glob("f.mp4*")))
        code, printed, _ = stopped(it, number)
    assert (code, files(tmp_path)) == (0, ["f.mp4"])
    assert "stopped before the end" in printed
    assert frames_in_video(tmp_path / "f.mp4") > 0


@pytest.mark.parametrize("number", ALIKE)
def test_a_run_that_forms_no_pair_ends_and_leaves_no_picture(tmp_path: Path, number: int) -> None:
    (tmp_path / "rig.toml").write_text(NO_PAIR)
    with started(tmp_path, "run", "rig.toml", "--model", "average", "--out", "out/") as it:
        await_of(it, (tmp_path / "out").exists)
        code, printed, _ = stopped(it, number)
    assert (code, files(tmp_path)) == (0, ["rig.toml"])
    assert "0 frames in" in printed
    assert "stopped before the end" in printed


@pytest.mark.parametrize("command", ["run", "record"])
def test_cameras_that_never_answer_are_not_waited_for(tmp_path: Path, command: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}/"
        text = f'[visible]\naddress = "{address}"\n[infrared]\naddress = "{address}"\n'
        (tmp_path / "rig.toml").write_text(text)
        with started(tmp_path, command, "rig.toml", "--out", "night.mp4" if command == "run" else "night") as it:
            server.settimeout(60)
            silent, _ = server.accept()
            code, _, said = stopped(it, signal.SIGTERM)
        silent.close()
    assert (code, files(tmp_path)) == (0, ["rig.toml"]), said


@pytest.mark.slow
def test_a_pipe_that_nobody_reads_is_given_up(tmp_path: Path) -> None:
    camera = "synthetic://?fps=50"
    words = ("--visible", camera, "--infrared", camera, "--model", "average", "--log", "json")
    with started(tmp_path, "run", *words, "--out", "raw:-") as it:
        assert it.stderr is not None
        assert any(b"run started" in line for line in it.stderr)
        it.send_signal(signal.SIGTERM)
        code = it.wait(60)
        said = it.stderr.read().decode()
    assert code == 5
    assert "raw:- has been stuck" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("number", ALIKE)
def test_a_recording_that_is_stopped_is_whole_and_replays(tmp_path: Path, number: int) -> None:
    (tmp_path / "rig.toml").write_text(NO_PAIR.replace("offset_ms = 7", "").replace("0.0001", "1000"))
    with started(tmp_path, "record", "rig.toml", "--out", "night") as it:
        await_of(it, lambda: sum(path.stat().st_size > 0 for path in tmp_path.glob("night*/*.mkv")) == 2)
        code, printed, said = stopped(it, number)
    assert (code, files(tmp_path)) == (0, ["night", "rig.toml"]), said
    assert "visible: " in printed
    replayed = call(run, tmp_path / "night" / "rig.toml", "--model", "average").exit_code
    assert replayed in (0, ExitCode.UNPAIRED)  # on a busy machine one camera may have begun well before the other


@pytest.mark.slow
def test_a_server_that_takes_no_stream_and_says_nothing_holds_nobody_up(tmp_path: Path) -> None:
    (tmp_path / "rig.toml").write_text(f'[visible]\naddress = "{SYNTHETIC}"\n[infrared]\naddress = "{SYNTHETIC}"\n')
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"rtsp://127.0.0.1:{server.getsockname()[1]}/fused"
        with started(tmp_path, "run", "rig.toml", "--model", "average", "--out", address) as it:
            server.settimeout(PATIENCE_S)
            silent, _ = server.accept()
            with silent:
                code, _, said = stopped(it, signal.SIGTERM)
    assert code == ExitCode.OUTPUT, said
    assert "Traceback" not in said
