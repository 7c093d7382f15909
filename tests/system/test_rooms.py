"""The rooms: who may import whom, how full a room may be, and what works while heavy packages are missing."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import coconet

ROOT = Path(__file__).resolve().parents[2]
FLOORS = {
    "coconet": {"coconet"},
    "runtime": {"coconet", "runtime"},
    "export": {"coconet", "runtime", "export"},
    "calibration": {"coconet", "runtime", "calibration"},
    "benchmarks": {"coconet", "runtime", "export", "calibration", "benchmarks"},
}
"""Each part with the parts it may import."""
FACADE = "coconet"
"""The one exception: coconet/__init__.py lies on the ground floor and offers what lies in the floors above.

Imported, it imports nothing but coconet.errors and what finds the parts of a checkout. It names the modules above under
TYPE_CHECKING, and as text from which they are imported when a public name is first used. No module of ours takes such a
name from it: that would be an import that goes up unseen.
"""
MOST_FILES = 12
MOST_LINES = 400


def module_name(path: Path) -> str:
    """Return the import name of a file: runtime/frame.py is coconet.runtime.frame."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    parts = parts if parts[0] == "coconet" else ("coconet", *parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module_name(path): path for part in FLOORS for path in sorted((ROOT / part).rglob("*.py"))}
NEED_TORCH = {
    *(f"coconet.networks.{name}" for name in ("coconet", "lite", "network", "checkpoint", "custom")),
    *(
        f"coconet.networks.{name}"
        for name in ("camera_ready", "tensors.state_dict", "recognition", "tensors.weight_files")
    ),
    *(name for name in FILES if name.startswith(("coconet.networks.zoo.", "coconet.networks.layers."))),
    *(f"coconet.losses.{name}" for name in ("adaptive", "fidelity", "contrastive", "vgg_features")),
    *(f"coconet.training.{name}" for name in ("initial_weights", "noisy_twin", "fake_quant", "objective", "crops")),
    *(f"coconet.training.{name}" for name in ("trainer", "validation")),
}
CONTRACTS = {
    "coconet.cards.model_card",
    "coconet.errors",
    *(f"coconet.runtime.{name}" for name in ("frame", "backends.backend", "cameras.camera", "sinks.sink")),
    *(f"coconet.runtime.{name}" for name in ("backends.open_backend", "rig.open_rig", "rig.rig_file", "loop.pipeline")),
}

IMPORT_ALL = """
import importlib, sys
HIDDEN = {
    "torch", "cv2", "onnx", "tensorrt", "tensorrt_rtx", "tensorrt_rtx_bindings", "pycuda", "onnxruntime", "av",
    "scipy", "safetensors", "onnxscript", "h5py", "tomli_w", "openvino", "cuda", "gi",
    "fsspec", "ray", "grpc", "tritonclient", "starlette", "uvicorn", "websockets", "prometheus_client", "tomlkit",
    "mcap", "rosbags",
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
    """Return the names of all modules that a file imports, at its top or inside a function."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names} & FILES.keys()
            found |= inner or {node.module}
    return found


def part_of(name: str) -> str:
    """Return the part a module of ours belongs to."""
    second = [*name.split("."), ""][1]
    return second if second in FLOORS else "coconet"


def imported_at_once(path: Path) -> set[str]:
    """Return the modules that importing a file imports: those of its top, not those only type checkers see."""
    found: set[str] = set()
    for node in ast.parse(path.read_text()).body:
        found |= {node.module} if isinstance(node, ast.ImportFrom) and node.module else set()
        found |= {alias.name for alias in node.names} if isinstance(node, ast.Import) else set()
    return found


@pytest.mark.parametrize("name", [name for name in FILES if name != FACADE])
def test_imports_point_only_towards_the_ground(name: str) -> None:
    ours = {part_of(other) for other in imported_by(FILES[name]) if other.partition(".")[0] == "coconet"}
    assert ours <= FLOORS[part_of(name)]


def test_no_import_goes_round() -> None:
    graph = {name: (imported_by(path) & FILES.keys()) - {name} for name, path in FILES.items()}
    graph[FACADE] = imported_at_once(FILES[FACADE]) & FILES.keys()
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as circle:
        pytest.fail(f"imports go round: {' <- '.join(circle.args[1])}")


def test_the_public_api_imports_next_to_nothing_and_offers_what_lies_below_the_export() -> None:
    assert {name for name in imported_at_once(FILES[FACADE]) if name in FILES} == {"coconet.errors", "coconet.checkout"}
    offered = imported_by(FILES[FACADE]) & FILES.keys()
    assert {part_of(name) for name in offered} == {"coconet", "runtime"}


def test_no_module_of_ours_takes_a_public_name_from_the_public_api() -> None:
    public = {*coconet._HOMES, *coconet.__all__}
    for name, path in FILES.items():
        for node in ast.walk(ast.parse(path.read_text())):
            taken = {alias.name for alias in node.names} if isinstance(node, (ast.Import, ast.ImportFrom)) else set()
            assert not (isinstance(node, ast.ImportFrom) and node.module == FACADE and taken & public), name
            assert not (isinstance(node, ast.Import) and FACADE in taken), name


@pytest.mark.parametrize("name", [name for name in FILES if part_of(name) == "runtime"])
def test_the_runtime_needs_no_torch_but_for_the_eager_backend(name: str) -> None:
    heavy = imported_by(FILES[name]) & (NEED_TORCH | {"torch"})
    assert name == "coconet.runtime.backends.pytorch" or not heavy


def test_no_room_holds_more_than_a_dozen_files() -> None:
    rooms = {path.parent for path in FILES.values()}
    sizes = {str(room.relative_to(ROOT)): len([*room.glob("[!_]*.py")]) for room in rooms}
    assert {room: size for room, size in sizes.items() if size > MOST_FILES} == {}


def test_what_tests_share_lies_in_rooms_of_a_dozen_files_at_most() -> None:
    rooms = Counter(str(path.parent.relative_to(ROOT)) for path in (ROOT / "tests" / "support").rglob("[!_]*.py"))
    assert "tests/support" not in rooms
    assert {room: size for room, size in rooms.items() if size > MOST_FILES} == {}


@pytest.mark.parametrize("path", FILES.values(), ids=FILES.keys())
def test_every_file_opens_with_a_caption_and_stays_under_400_lines(path: Path) -> None:
    text = path.read_text()
    assert ast.get_docstring(ast.parse(text))
    assert len(text.splitlines()) <= MOST_LINES


def test_without_heavy_packages_every_module_imports_or_names_the_extra_in_one_sentence() -> None:
    answer = subprocess.run([sys.executable, "-c", IMPORT_ALL, *FILES], capture_output=True, text=True, check=True)
    refused = dict(line.split("|", 1) for line in answer.stdout.splitlines())
    assert all(said.startswith("MissingPackage|") and "install" in said for said in refused.values()), refused
    assert refused.keys() >= NEED_TORCH
    commands = {name for name in FILES if ".commands." in name}
    assert not refused.keys() & (commands | CONTRACTS)


def test_every_command_is_announced() -> None:
    announced = (ROOT / "setup.py").read_text()
    commands = {name: path for name, path in FILES.items() if ".commands." in name}
    groups = " ".join(path.read_text() for name, path in commands.items() if f"{name}:" in announced)
    assert [name for name in commands if f"{name}:" not in announced and f"from {name} import" not in groups] == []


def test_no_test_file_imports_another_test_file() -> None:
    found = {str(path): imported_by(path) | taken_from_folders(path) for path in (ROOT / "tests").rglob("*.py")}
    between = {name: {other for other in names if ".test_" in f".{other}"} for name, names in found.items()}
    assert {name: others for name, others in between.items() if others} == {}


def taken_from_folders(path: Path) -> set[str]:
    """Return what stands behind `from ... import`, as that may be a file as well."""
    nodes = ast.walk(ast.parse(path.read_text()))
    return {alias.name for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names}
