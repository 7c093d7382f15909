"""Killing calibrate or build, at whatever step, leaves nothing under a final name that is not whole."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.media.pair_folders import textured_pairs
from tests.support.models.conv_onnx import write_conv_model
from tests.support.models.small_unet import write_unet

pytestmark = pytest.mark.skipif(os.name != "posix", reason="SIGKILL is of POSIX")

RUN = """
import importlib, os, signal, sys

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

(module, path), command, *words = sys.argv[1].split(":"), *sys.argv[2:]
*owners, name = path.split(".")
owner = importlib.import_module(module)
for part in owners:
    owner = getattr(owner, part)
setattr(owner, name, die)
from coconet.cli import app
app([command, *words])
"""
"""Runs a command in which one function, named first, kills the process."""


def killed_at(place: str, *words: object) -> None:
    ended = subprocess.run([sys.executable, "-c", RUN, place, *map(str, words)], capture_output=True, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()


def final(folder: Path) -> list[str]:
    """The files under a name that a user would take for done: scratch files begin with a dot."""
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    return textured_pairs(tmp_path / "pairs", 3)


@pytest.mark.slow
@pytest.mark.parametrize(
    "place",
    [
        "coconet.calibration.int8.coverage:FrameStatistics.of",
        "coconet.calibration.int8.observer:_count",
        "coconet.calibration.int8.qdq:quantize_model",
        "coconet.calibration.int8.gate:compare",
        "onnx:save",
        "pathlib:Path.replace",
    ],
)
def test_a_killed_calibration_leaves_no_file(tmp_path: Path, frames: Path, place: str) -> None:
    model = write_unet(tmp_path / "unet.onnx")
    killed_at(place, "calibrate", model, "--frames", frames)
    assert final(tmp_path) == ["pairs", "unet.onnx"]


@pytest.mark.parametrize(
    "place", ["coconet.export.engines.engine:_parse", "coconet.export.engines.engine:sha256_of", "pathlib:Path.replace"]
)
def test_a_killed_build_leaves_no_file(tmp_path: Path, place: str) -> None:
    model, out = write_conv_model(tmp_path / "model.onnx"), tmp_path / "model.engine"
    killed_at(place, "build", model, "--gpu", "sm86", "--out", out)
    assert final(tmp_path) == ["model.onnx"]
