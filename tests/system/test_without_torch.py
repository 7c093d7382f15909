"""What the base install and one extra can do must not need PyTorch: a Python in which it is missing runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from coconet.installation.remedy import remedy_for

pytestmark = pytest.mark.slow


@pytest.fixture
def without(tmp_path: Path) -> dict[str, str]:
    """An environment in which PyTorch and onnx are not there, for the processes that a command starts as well."""
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    for name in ("torch", "onnx"):
        (hidden / f"{name}.py").write_text(f"raise ModuleNotFoundError('No module named {name}', name={name!r})\n")
    return {**os.environ, "PYTHONPATH": str(hidden)}


def coconet(folder: Path, environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "coconet", *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_onnx_models_are_measured_and_the_piped_table_is_whole(tmp_path: Path, without: dict[str, str]) -> None:
    options = ("--size", "64x80", "--repeats", "3", "--count", "1", "--streams", "0.2", "--json", "b.json")
    answer = coconet(tmp_path, without, "bench", "lite", "lite-int8", *options)
    assert (answer.returncode, answer.stderr.strip()) == (0, "")
    rows = json.loads((tmp_path / "b.json").read_text())["rows"]
    assert [row["entry"] for row in rows if row["latency"]] == ["lite", "lite-int8"]
    assert all(heading in answer.stdout for heading in ("p50 ms", "file fps", "ratio", "VIF", "PSNR"))
    assert " dB" in answer.stdout


def test_a_peer_of_pytorch_names_the_extra(tmp_path: Path, without: dict[str, str]) -> None:
    answer = coconet(tmp_path, without, "bench", "lite", "lite@compile", "--size", "64x80", "--repeats", "3")
    assert remedy_for("export") in answer.stdout + answer.stderr


def test_a_page_that_cannot_be_drawn_is_refused_before_anything_is_measured(
    tmp_path: Path, without: dict[str, str]
) -> None:
    (tmp_path / "hidden" / "jinja2.py").write_text("raise ModuleNotFoundError(name='jinja2')\n")
    answer = coconet(tmp_path, without, "bench", "lite", "--html", "b.html", "--json", "b.json", "--endurance")
    assert remedy_for("bench") in answer.stderr
    assert (answer.returncode, (tmp_path / "b.json").exists()) == (2, False)


@pytest.mark.parametrize(("words", "extra"), [((), "tensorrt"), (("--gpu", "sm86"), "rtx")])
def test_building_an_engine_names_the_extra_that_builds(
    words: tuple[str, ...], extra: str, tmp_path: Path, without: dict[str, str]
) -> None:
    answer = coconet(tmp_path, without, "build", "lite.onnx", *words)
    assert answer.stderr.rstrip().endswith(remedy_for(extra))
    assert answer.returncode == 2
