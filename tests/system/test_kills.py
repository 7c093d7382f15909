"""Kills at random moments over the commands that write: nothing that was whole is gone, and the next run works.

COCONET_KILLS says how many there are; each has its own seed, command and moment.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import onnx
import pytest

from coconet.media.video import VideoReader
from coconet.networks.tensors.state_dict import load_tensor_file
from coconet.runtime.cameras.recorded import RecordedCamera
from tests.support.media.pair_folders import write_pair
from tests.support.models.small_unet import write_unet

pytestmark = pytest.mark.skipif(os.name != "posix", reason="SIGKILL is of POSIX")

KILLS = int(os.environ.get("COCONET_KILLS", "6"))
SYNTHETIC = "synthetic://?width=64&height=48&fps=25&duration_s={}"
LATEST_S = 6.0  # after the start; a command that ends before is one that was not killed

TEN_MINUTES = ["--visible", SYNTHETIC.format(600), "--infrared", SYNTHETIC.format(600), "--model", "average"]
ONE_SECOND = ["--visible", SYNTHETIC.format(1), "--infrared", SYNTHETIC.format(1), "--model", "average"]

LONG = {
    "run": [*TEN_MINUTES, "--out", "o.mp4"],
    "run to a folder": [*TEN_MINUTES, "--out", "o/"],
    "record": ["rig.toml", "--out", "night"],
    "export": ["lite", "--out", "lite.onnx"],
    "train": ["--data", "pairs", "--out", "run", "--batch", "1", "--patch", "64", "--steps", "100000"],
    "bench": ["average", "--json", "bench.json", "--limit", "60", "--size", "48x64"],
    "calibrate": ["m.onnx", "--frames", "pairs", "--out", "m.int8.onnx"],
    "build": ["m.onnx", "--gpu", "sm86", "--out", "m.engine"],
    "score": ["vis=pairs/vis", "--visible", "pairs/vis", "--infrared", "pairs/ir", "--csv", "scores.csv"],
}
SHORT = {
    "run": [*ONE_SECOND, "--out", "o.mp4"],
    "run to a folder": [*ONE_SECOND, "--out", "o/", "--skip-existing"],
    "record": ["rig.toml", "--out", "night", "--seconds", "0.5"],
    "export": ["lite", "--out", "lite.onnx"],
    "train": ["--data", "pairs", "--out", "run", "--batch", "1", "--patch", "64", "--steps", "1"],
    "bench": ["average", "--json", "bench.json", "--resume", "--repeats", "2", "--size", "48x64"],
    **{name: LONG[name] for name in ("calibrate", "build", "score")},
}
"""The same commands, short enough to come to their end; what an earlier one has finished may be replaced."""

PROGRAM = "from coconet.commands.__main__ import main; main()"


def begin(folder: Path, name: str, words: list[str]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", PROGRAM, name.split(maxsplit=1)[0], *words]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def sources(folder: Path) -> dict[str, bytes]:
    paths = [folder / "rig.toml", folder / "m.onnx", *(folder / "pairs").rglob("*.png"), folder / "earlier.mp4"]
    return {str(path): path.read_bytes() for path in paths}


def check_whole(folder: Path) -> None:
    """Read everything that stands under a final name, and videos that are not finished up to their last frame."""
    for path in folder.rglob("*"):
        if path.name.startswith(".") or not path.is_file():
            continue
        if path.suffix == ".mp4" and path.name != "earlier.mp4":
            with VideoReader(path) as video:
                assert list(video)
        elif path.suffix == ".onnx":
            onnx.checker.check_model(onnx.load(path))
        elif path.suffix in (".pt", ".safetensors"):
            assert load_tensor_file(path)
        elif path.suffix == ".mkv" and not path.parent.name.endswith(".unfinished"):
            camera = RecordedCamera(path)
            while camera.read() is not None:
                pass
            camera.close()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(KILLS))
def test_a_kill_costs_nothing_that_was_whole_and_the_next_run_works(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    name = list(LONG)[seed % len(LONG)]
    y, x = np.mgrid[:72, :80]
    sides = [127 + 90 * np.sin(x / 4.0), np.where(y > 40, 220, 30)]
    write_pair(tmp_path / "pairs", "a.png", *(pixels.astype(np.uint8) for pixels in sides))
    write_pair(tmp_path / "pairs", "b.png", *(pixels.astype(np.uint8) for pixels in reversed(sides)))
    write_unet(tmp_path / "m.onnx", (72, 80))
    (tmp_path / "earlier.mp4").write_bytes(b"of an earlier day")
    address = SYNTHETIC.format(600)
    (tmp_path / "rig.toml").write_text(f'[visible]\naddress = "{address}"\n[infrared]\naddress = "{address}"\n')
    before = sources(tmp_path)
    with begin(tmp_path, name, LONG[name]) as process:
        with suppress(subprocess.TimeoutExpired):
            process.wait(float(rng.uniform(0.2, LATEST_S)))
        process.send_signal((signal.SIGKILL, signal.SIGKILL, signal.SIGTERM)[rng.integers(3)])
        process.communicate(timeout=600)
    assert sources(tmp_path) == before
    check_whole(tmp_path)
    kept = {path for path in tmp_path.rglob("*.png") if not path.name.startswith(".")}
    names = ("o.mp4", "night", "lite.onnx", "m.int8.onnx", "m.engine", "scores.csv")
    finished = [tmp_path / name for name in names]
    more = ["--overwrite"] if any(path.exists() for path in finished) and name != "train" else []
    with begin(tmp_path, name, [*SHORT[name], *more]) as process:
        said, _ = process.communicate(timeout=600)
    assert process.returncode == 0, said.decode()
    assert kept <= set(tmp_path.rglob("*.png"))
    check_whole(tmp_path)
    assert sources(tmp_path) == before
    assert not [path for path in tmp_path.glob("*.unfinished") if "damaged" not in path.name]
