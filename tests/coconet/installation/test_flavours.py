"""Packages that share a folder: the line that brings a broken one back, and folders that have lost their code."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from coconet.errors import MissingPackage
from coconet.installation.flavours import FLAVOURS, damaged_package, extra_of, restore_command

LOADER = "ImportError: libGL.so.1: cannot open shared object file: No such file or directory"


@pytest.mark.parametrize(
    ("extra", "said", "installed", "line"),
    [
        ("headless", "no attribute", {"opencv-python": "a"}, ("uninstall -y opencv-python &&", "[window]")),
        ("headless", LOADER, {"opencv-python": "a"}, ("uninstall -y opencv-python &&", "[headless]")),
        ("cpu", "no attribute", {"onnxruntime-gpu": "a"}, ("uninstall -y onnxruntime-gpu &&", "[ort-gpu-cu12]")),
        ("headless", "no attribute", {}, ("--force-reinstall", "opencv-python-headless")),
        ("openvino", LOADER, {"opencv-python": "a"}, ("--force-reinstall", "openvino")),
    ],
)
def test_a_broken_package_comes_back_in_the_flavour_that_is_installed(
    extra: str, said: str, installed: dict[str, str], line: tuple[str, str]
) -> None:
    told = restore_command(extra, said, installed, lambda extra: {"ort-gpu": "ort-gpu-cu12"}.get(extra, extra))
    assert all(part in told for part in line), told


def test_a_folder_without_its_code_is_known_by_the_package_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "flyr/data").mkdir(parents=True)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "flyr", raising=False)
    husk = importlib.import_module("flyr")
    del sys.modules["flyr"]  # by itself: monkeypatch would bring the husk back for the tests that come after
    with pytest.raises(AttributeError) as told:
        _ = husk.unpack
    assert damaged_package(told.value) == "flyr"
    with pytest.raises(AttributeError) as ours:
        _ = importlib.import_module("coconet.errors").nothing
    assert damaged_package(ours.value) is None


def test_every_module_with_flavours_has_an_extra() -> None:
    assert [extra_of(module) for module in FLAVOURS] == ["cpu", "headless"]


def test_a_package_that_does_not_load_is_not_called_missing() -> None:
    try:
        raise ImportError(LOADER.partition(" ")[2])
    except ImportError:
        told = MissingPackage("cv2", job="pictures", extra="headless")
    assert told.got == f"one that does not load: {LOADER.partition(' ')[2]}"
    assert told.remedy.startswith("Install it again: ")


def test_a_command_that_meets_a_damaged_package_names_the_line_that_restores_it(tmp_path: Path) -> None:
    camera = "synthetic://?fps=30&width=64&height=48&seed=1"
    words = ["run", "--visible", camera, "--infrared", camera, "--model", "average", "--frames", "1"]
    husk = "cv2 = sys.modules['cv2'] = types.ModuleType('cv2'); cv2.__path__ = []"
    code = f"import sys, types; {husk}; sys.argv[1:] = {words!r}; from coconet.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "error: cv2 is damaged: its folder holds no code. Install it again: " in done.stderr
