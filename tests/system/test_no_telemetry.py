"""Nothing is sent, and nothing is written into the user's home, by what runs the models."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from coconet.runtime.doctor.packages import OPENVINO

LOAD = """
import coconet, os, sys
coconet.load("lite", backend=sys.argv[1])
print(os.environ["ORT_DISABLE_TELEMETRY"])
"""


@pytest.mark.parametrize("backend", ["ort", "openvino"])
@pytest.mark.parametrize("home", ["", "home"], ids=["no home", "an empty home"])
def test_a_model_that_is_loaded_leaves_no_trace_and_says_nothing(tmp_path: Path, home: str, backend: str) -> None:
    pytest.importorskip({"ort": "onnxruntime"}.get(backend, backend))
    (tmp_path / "home").mkdir()
    kept = {
        name: value for name, value in os.environ.items() if name not in ("ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME")
    }
    place = str(tmp_path / home) if home else "/proc/none"
    ended = subprocess.run(
        [sys.executable, "-c", LOAD, backend],
        env={**kept, "HOME": place},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "1\n", "")
    assert list((tmp_path / "home").rglob("*")) == []


def test_the_doctor_leaves_no_trace(tmp_path: Path) -> None:
    asked = "import sys\nsay = print\n" + OPENVINO
    kept = {name: value for name, value in os.environ.items() if name != "XDG_CACHE_HOME"}
    subprocess.run([sys.executable, "-c", asked], env={**kept, "HOME": str(tmp_path)}, timeout=120, check=False)
    assert list(tmp_path.rglob("*")) == []
