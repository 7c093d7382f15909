"""Damaged files of every kind end in words: no traceback, no hang, no half-written result, memory below 2 GB.

A few of each, the same ones at every run; COCONET_FUZZ=long takes hundreds.
"""

from __future__ import annotations

import random
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from coconet.media.image import read_picture
from coconet.media.video import VideoReader
from coconet.model_names import shipped_model
from tests.support.media.damage import damaged, damaged_text
from tests.support.media.recordings import noisy_video, write_folder
from tests.support.models.tiny_onnx import write_averaging_model
from tests.support.programs.command_line import command
from tests.support.programs.fuzz_process import LONG, FuzzProcess

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is limited and told as Linux does")

AVERAGE = ("--model", "average", "--overwrite")


def cases(long: int, short: int = 20) -> int:
    return long if LONG else short


@pytest.fixture(scope="module")
def process() -> Iterator[FuzzProcess]:
    with FuzzProcess() as one:
        yield one


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of sound files: two videos, pictures of several kinds, a recording, a model and a rig file."""
    folder = tmp_path_factory.mktemp("sound")
    noisy_video(folder / "video.mp4", 6)
    noisy_video(folder / "video.mkv", 6)
    rng = np.random.default_rng(1)
    write_folder(folder / "visible", [rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)])
    write_folder(folder / "infrared", [rng.integers(0, 256, (24, 32, 1), dtype=np.uint8)])
    for name in ("deep.tiff", "deep.png", "flat.bmp", "flat.webp", "flat.jpg"):
        write_any(folder / name, rng)
    write_averaging_model(folder / "tiny.onnx")
    shutil.copy(shipped_model("lite"), folder / "lite.onnx")
    (folder / "rig.toml").write_text(RIG.format(video=folder / "video.mp4"))
    (folder / "live.toml").write_text(SYNTHETIC_RIG)
    assert command("record", folder / "live.toml", "--out", folder / "night").code == 0
    return folder


def write_any(path: Path, rng: np.random.Generator) -> None:
    import cv2

    kind = np.uint16 if path.stem == "deep" else np.uint8
    pixels = rng.integers(0, np.iinfo(kind).max, (24, 32), dtype=kind)
    assert cv2.imwrite(str(path), pixels)


SYNTHETIC_RIG = """
[visible]
address = "synthetic://?width=64&height=48&fps=30&duration_s=0.3"
[infrared]
address = "synthetic://?width=64&height=48&fps=30&duration_s=0.3"
"""

RIG = """
[visible]
address = "{video}"
offset_ms = 2.5
[infrared]
address = "{video}"
contrast = "plateau"
plateau_percent = 4.0
agc_percentiles = [0.5, 99.5]
agc_time_constant_s = 1.0
mend_dead_pixels = true
[pairing]
tolerance_ms = 20.0
policy = "hold"
[alignment]
homography = [[1.0, 0.01, 2.0], [0.0, 1.02, -3.0], [0.00001, 0.0, 1.0]]
size_px = [64, 48]
drift_alarm_px = 4.0
[health]
late_periods = 2.5
lost_s = 1.5
frozen_s = 1.0
[view]
show = "split"
colours = "inferno"
"""


def check_results(folder: Path, code: int) -> None:
    """What has its final name is whole; a call that failed has left none."""
    for path in folder.iterdir():
        assert not path.name.startswith("."), path
        if path.name.endswith(".unfinished"):
            continue
        assert code in (0, 7, 8), (path, code)
        if path.suffix == ".mp4":
            with VideoReader(path) as video:
                assert list(video)


def run_through(
    process: FuzzProcess,
    folder: Path,
    number: int,
    spoil: Callable[[random.Random], tuple[object, ...]],
) -> Counter[int]:
    """Call a command with damaged files and look at what it leaves; how many calls ended with which code."""
    out, codes, faults = folder / "out", Counter[int](), []
    for seed in range(number):
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        words = spoil(random.Random(seed))  # noqa: S311  the same damage at every run
        outcome = process.call(*words)
        codes[outcome.code] += 1
        if outcome.fault:
            faults.append(f"{seed}: {' '.join(map(str, words))}: {outcome.fault}")
        else:
            check_results(out, outcome.code)
    print(f"{number} calls by exit code: {dict(codes)}")
    assert not faults, "\n".join(faults)
    return codes


def test_damaged_videos(process: FuzzProcess, sound: Path, tmp_path: Path) -> None:
    def spoil(rng: random.Random) -> tuple[object, ...]:
        source = sound / rng.choice(["video.mp4", "video.mkv"])
        path = tmp_path / f"damaged{source.suffix}"
        path.write_bytes(damaged(source.read_bytes(), rng))
        both = [path, sound / "video.mp4"]
        rng.shuffle(both)
        return "run", "--visible", both[0], "--infrared", both[1], *AVERAGE, "--out", tmp_path / "out" / "fused.mp4"

    codes = run_through(process, tmp_path, cases(500), spoil)
    assert codes.keys() - {0}  # some are refused; how many depends on the encoder, whose files are damaged
    both = (word for side in ("--visible", "--infrared") for word in (side, sound / "video.mp4"))
    assert process.call("run", *both, *AVERAGE, "--out", tmp_path / "whole.mp4").code == 0


def test_damaged_pictures(process: FuzzProcess, sound: Path, tmp_path: Path) -> None:
    names = ("infrared/0000.png", "deep.tiff", "deep.png", "flat.bmp", "flat.webp", "flat.jpg")

    def spoil(rng: random.Random) -> tuple[object, ...]:
        source = sound / rng.choice(names)
        shutil.rmtree(tmp_path / "infrared", ignore_errors=True)
        (tmp_path / "infrared").mkdir()
        (tmp_path / "infrared" / f"0000{source.suffix}").write_bytes(damaged(source.read_bytes(), rng))
        words = ("--visible", sound / "visible", "--infrared", tmp_path / "infrared")
        return "run", *words, *AVERAGE, "--out", tmp_path / "out"

    assert len(run_through(process, tmp_path, cases(500), spoil)) > 1
    for path in (tmp_path / "out").iterdir():
        read_picture(path)


def test_damaged_rigs(process: FuzzProcess, sound: Path, tmp_path: Path) -> None:
    text, path = (sound / "rig.toml").read_text(), tmp_path / "rig.toml"

    def spoil(rng: random.Random) -> tuple[object, ...]:
        path.write_bytes(damaged_text(text, rng))
        return "run", path, *AVERAGE, "--frames", 4, "--out", tmp_path / "out" / "fused.mp4"

    assert len(run_through(process, tmp_path, cases(200), spoil)) > 1


def test_damaged_sidecars(process: FuzzProcess, sound: Path, tmp_path: Path) -> None:
    night = tmp_path / "night"
    sheets = sorted(path.name for path in (sound / "night").glob("*.csv"))
    assert len(sheets) == 2

    def spoil(rng: random.Random) -> tuple[object, ...]:
        shutil.rmtree(night, ignore_errors=True)
        shutil.copytree(sound / "night", night)
        sheet = night / rng.choice(sheets)
        sheet.write_bytes(damaged_text(sheet.read_text(), rng))
        return "run", night / "rig.toml", *AVERAGE, "--out", tmp_path / "out" / "fused.mp4"

    assert len(run_through(process, tmp_path, cases(200), spoil)) > 1


def test_damaged_models(process: FuzzProcess, sound: Path, tmp_path: Path) -> None:
    def spoil(rng: random.Random) -> tuple[object, ...]:
        source, path = sound / rng.choice(["tiny.onnx", "lite.onnx"]), tmp_path / "damaged.onnx"
        path.write_bytes(damaged(source.read_bytes(), rng))
        words = ("--visible", sound / "visible", "--infrared", sound / "infrared", "--overwrite")
        return "run", *words, "--model", path, "--backend", "ort", "--out", tmp_path / "out"

    assert len(run_through(process, tmp_path, cases(200), spoil)) > 1
