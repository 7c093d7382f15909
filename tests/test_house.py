"""The structure of the house: who may import whom, and what works while heavy packages are missing."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MAY_IMPORT = {
    "coconet": set(),
    "runtime": {"coconet"},
    "export": {"coconet", "runtime"},
    "calibration": {"coconet", "runtime"},
    "benchmarks": {"coconet", "runtime"},
}
MODULES = sorted(path for part in MAY_IMPORT for path in (ROOT / part).glob("*.py"))
NEED_TORCH = {
    *("encoder", "network", "lite", "fuser", "checkpoint", "features", "initial_weights"),
    *("losses", "fidelity", "contrast", "noise", "rounding", "teacher", "objective", "foreign", "state_dict"),
    *("crops", "crop_fusion", "train", "judge", "validation"),
}

IMPORT_ALL = """
import importlib, sys
HIDDEN = {
    "torch", "cv2", "onnx", "tensorrt", "tensorrt_rtx", "tensorrt_rtx_bindings", "pycuda", "onnxruntime", "av",
    "scipy", "safetensors", "onnxscript", "h5py", "tomli_w", "openvino", "cuda", "gi",
    "starlette", "uvicorn", "websockets", "prometheus_client", "tomlkit",
}

class Hider:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in HIDDEN:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Hider())
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except ImportError as error:
        print(name, type(error).__name__, error, sep="|")
"""


def imported_by(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: f"{path.parent.name}.{path.stem}")
def test_imports_point_only_towards_the_ground(path: Path) -> None:
    part = path.parent.name
    others = {name.partition(".")[0] for name in imported_by(path)} & MAY_IMPORT.keys()
    assert others - {part} <= MAY_IMPORT[part]


@pytest.mark.parametrize("path", sorted((ROOT / "runtime").glob("*.py")), ids=lambda path: path.stem)
def test_the_runtime_needs_no_torch_but_for_the_eager_backend(path: Path) -> None:
    modules = {name.removeprefix("coconet.") for name in imported_by(path) if name.startswith("coconet.")}
    assert path.stem == "eager" or not modules & NEED_TORCH
    assert path.stem == "eager" or "torch" not in imported_by(path)


def test_every_file_is_one_noun_with_a_name_of_its_own() -> None:
    names = [path.stem for path in MODULES if path.stem != "__init__"]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: f"{path.parent.name}.{path.stem}")
def test_every_file_opens_with_a_caption_and_stays_under_400_lines(path: Path) -> None:
    text = path.read_text()
    caption = ast.get_docstring(ast.parse(text))
    assert caption
    assert len(text.splitlines()) <= 400


def test_without_heavy_packages_every_module_imports_or_names_the_extra_in_one_sentence() -> None:
    names = [f"{path.parent.name}.{path.stem}".removesuffix(".__init__") for path in MODULES]
    answer = subprocess.run([sys.executable, "-c", IMPORT_ALL, *names], capture_output=True, text=True, check=True)
    refused = dict(line.split("|", 1) for line in answer.stdout.splitlines())
    assert all(said.startswith("MissingPackage|") and "pip install" in said for said in refused.values()), refused
    assert {name.partition(".")[2] for name in refused} >= NEED_TORCH
    commands = {name for name in names if name.endswith("_cli")}
    contracts = {
        "coconet.signature",
        "coconet.errors",
        "runtime.frame",
        "runtime.backend",
        "runtime.rig",
        "runtime.pipeline",
    }
    assert not refused.keys() & (commands | contracts)


def test_every_command_is_announced() -> None:
    announced = (ROOT / "setup.py").read_text()
    commands = [path for path in MODULES if path.stem.endswith("_cli")]
    assert [path.stem for path in commands if f"{path.parent.name}.{path.stem}:" not in announced] == []
