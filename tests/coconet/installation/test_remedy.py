"""The line that installs what is missing: what it says here, on a Jetson, and in environments of other kinds."""

from __future__ import annotations

import shlex
import subprocess
import sys
import venv
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import pytest

from coconet.installation import remedy
from coconet.installation.extras import MODULES
from coconet.installation.origin import Origin
from coconet.installation.remedy import (
    exchange_command,
    exchange_remedy,
    install_command,
    reinstall_command,
    remedy_for,
)

APT = "sudo apt install python3-libnvinfer"


@pytest.fixture
def jetson(tmp_path: Path) -> Path:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/nv_tegra_release").write_text("# R36 (release), REVISION: 4.3, GCID: 38968081")
    return tmp_path


@pytest.fixture
def in_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a shell find the pip of this environment."""
    monkeypatch.setattr("shutil.which", lambda name: f"{Path(sys.executable).parent}/{name}")


@pytest.mark.usefixtures("in_path")
def test_an_installation_is_named_as_it_was_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(remedy, "read_origin", lambda: Origin("/srv/coconet-edge", editable=True))
    assert install_command("web", "rtx", root=tmp_path) == "pip install -e '/srv/coconet-edge[web,rtx]'"
    assert remedy_for(root=tmp_path) == "Install it with: pip install -e /srv/coconet-edge"


@pytest.mark.usefixtures("in_path")
def test_if_what_it_came_from_is_gone_the_packages_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(remedy, "read_origin", lambda: None)
    assert install_command("openvino", root=tmp_path) == "pip install 'openvino>=2024.4'"
    assert "'numpy>=1.24'" in install_command(root=tmp_path)


def test_a_pip_that_is_not_in_the_path_is_called_by_its_python(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("shutil.which", lambda name: f"/elsewhere/{name}")
    assert shlex.split(install_command("web", root=tmp_path))[:4] == [sys.executable, "-m", "pip", "install"]


def test_an_environment_without_pip_is_served_by_uv(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(remedy, "PathFinder", SimpleNamespace(find_spec=lambda _: None))
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    assert install_command("web", root=tmp_path).startswith("uv pip install --python ")


class Sensitive:
    """A finder as setuptools' one, which changes what is imported when it hears of pip."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        assert name != "pip"


def test_to_look_for_pip_disturbs_nothing_that_is_imported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "meta_path", [Sensitive(), *sys.meta_path])
    assert "pip install" in install_command("web", root=tmp_path)


@pytest.mark.parametrize("extra", MODULES)
def test_a_jetson_is_never_brought_another_tensorrt_numpy_or_opencv(extra: str, jetson: Path) -> None:
    told = remedy_for(extra, root=jetson)
    words = shlex.split(told.removeprefix("Install it with: ")) if told.startswith("Install it with: ") else []
    named = {word.partition(">")[0].partition("=")[0].partition("[")[0] for word in words}
    assert not named & {"coconet-edge", "tensorrt", "tensorrt-cu12", "onnxruntime-gpu"}
    assert extra in ("headless", "window") or not {name for name in named if name.startswith("opencv")}
    assert "install" not in words or "apt" in words or f"numpy=={version('numpy')}" in words


def test_a_jetson_has_tensorrt_and_gstreamer_from_its_system(jetson: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remedy, "_sees_the_system", lambda: True)
    assert install_command("tensorrt", root=jetson) == APT
    assert install_command("gstreamer", root=jetson).startswith("sudo apt install python3-gi gir1.2-gstreamer-1.0")
    assert install_command("tensorrt", "calibration", root=jetson).startswith(f"{APT} && ")
    assert reinstall_command("tensorrt", root=jetson) == "sudo apt install --reinstall python3-libnvinfer"


def test_what_apt_does_not_have_of_an_extra_comes_by_pip(jetson: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = version
    monkeypatch.setattr(remedy, "_sees_the_system", lambda: True)
    monkeypatch.setattr(remedy, "version", lambda name: "1.0" if name == "onnx" else real(name))
    told = install_command("tensorrt", root=jetson)
    assert told.startswith(f"{APT} && ")
    assert told.endswith(f"install 'onnx>=1.18' numpy=={real('numpy')}")


def test_gstreamer_is_a_package_of_every_system(tmp_path: Path) -> None:
    assert install_command("gstreamer", root=tmp_path).startswith("sudo apt install python3-gi ")


def test_an_environment_that_does_not_see_the_system_is_told_to_look(
    jetson: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    venv.create(tmp_path / "env", with_pip=False)
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "env"))
    told = install_command("tensorrt", root=jetson)
    assert told == f"{APT} && python3 -m venv --system-site-packages {tmp_path / 'env'}"
    # The line keeps what the environment has, and opens it to the system's packages.
    (tmp_path / "env/lib/kept").touch()
    line = [sys.executable, *shlex.split(told.partition(" && ")[2])[1:], "--without-pip"]
    subprocess.run(line, check=True)
    assert install_command("tensorrt", root=jetson) == APT
    assert (tmp_path / "env/lib/kept").exists()


@pytest.mark.usefixtures("in_path")
def test_packages_are_exchanged_and_laid_down_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(remedy, "read_origin", Origin)
    told = exchange_command(["onnxruntime"], "ort-gpu", root=tmp_path)
    assert told == "pip uninstall -y onnxruntime && pip install 'coconet-edge[ort-gpu]'"
    assert reinstall_command("cpu", tmp_path) == "pip install --force-reinstall --no-deps 'onnxruntime>=1.19'"


@pytest.mark.usefixtures("in_path")
def test_nothing_is_exchanged_for_what_a_jetson_cannot_have(jetson: Path, tmp_path: Path) -> None:
    told = exchange_remedy("Exchange it:", ["onnxruntime"], "ort-gpu", root=jetson)
    assert told == "No ONNX Runtime of an index has kernels for a Jetson's GPU: build an engine."
    elsewhere = exchange_remedy("Exchange it:", ["onnxruntime"], "ort-gpu", root=tmp_path / "none")
    assert elsewhere.startswith("Exchange it: pip uninstall -y onnxruntime && pip install ")
