"""What an installation holds: one import name, every data file, and an editable one that sees new files."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from coconet import __version__

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("coconet", "runtime", "export", "calibration", "benchmarks")
REST = ("setup.py", "pyproject.toml", "MANIFEST.in", "README.md", "CHANGELOG.md", "LICENSE", "docs/coconet.service")
UNIT = "share/coconet-edge/coconet.service"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the sources, as building leaves files beside them."""
    copy = tmp_path_factory.mktemp("source")
    for part in PARTS:
        shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
    for name in REST:
        (copy / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, copy / name)
    return copy


pytestmark = pytest.mark.slow


def pip(python: Path | str, *words: object) -> None:
    """Run the pip of this Python on the packages of another one, without the network."""
    offline = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "--python", str(python), words[0], *offline, *words[1:]]
    subprocess.run([str(word) for word in command], check=True)


def empty_environment(folder: Path) -> Path:
    """Make a virtual environment that borrows the packages of this one, but not its coconet; return its Python."""
    venv.create(folder, with_pip=False)
    (packages,) = folder.glob("lib/python3*/site-packages")
    (packages / "borrowed.pth").write_text("\n".join(path for path in sys.path if path.endswith("-packages")))
    return folder / "bin" / "python"


def contents(wheel: Path) -> dict[str, str]:
    """Return the files of a wheel with the hash of each, without its own list of them."""
    with zipfile.ZipFile(wheel) as packed:
        names = [name for name in packed.namelist() if not name.endswith("/RECORD")]
        return {name: hashlib.sha256(packed.read(name)).hexdigest() for name in names}


def said_by(python: Path, program: str, folder: Path) -> str:
    """Return what a program prints that runs in another folder."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    answer = subprocess.run(
        [python, "-c", program], capture_output=True, text=True, check=True, cwd=folder, env=environment
    )
    return answer.stdout.strip()


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip(sys.executable, "wheel", "--wheel-dir", folder, source)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def released(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder with what a release puts on the index: the source archive, and the wheel made of it."""
    folder = tmp_path_factory.mktemp("released")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def archive(released: Path) -> Path:
    return next(released.glob("*.tar.gz"))


def test_a_wheel_puts_coconet_into_site_packages_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.partition("/")[0] for name in names}
    ours = f"coconet_edge-{__version__}"
    assert tops == {"coconet", f"{ours}.dist-info", f"{ours}.data"}
    assert [name for name in names if ".data/" in name] == [f"{ours}.data/data/{UNIT}"]
    assert any(name.endswith("/LICENSE") for name in names)


def test_a_wheel_of_the_source_archive_is_that_of_the_checkout(wheel: Path, released: Path) -> None:
    (again,) = released.glob("*.whl")
    assert contents(again) == contents(wheel)


def test_a_source_archive_holds_what_its_documents_and_its_licence_are(archive: Path) -> None:
    with tarfile.open(archive) as packed:
        names = {name.partition("/")[2] for name in packed.getnames()}
    assert {"LICENSE", "README.md", "CHANGELOG.md", "setup.py", "docs/coconet.service"} <= names
    assert not [name for name in names if "__pycache__" in name or name.startswith((".venv", "build/"))]


def test_a_wheel_holds_every_module_page_and_weight_of_the_checkout(wheel: Path, source: Path) -> None:
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("coconet/")}
    files = [path.relative_to(source) for part in PARTS for path in (source / part).rglob("*") if path.is_file()]
    wanted = {str(path if path.parts[0] == "coconet" else Path("coconet") / path) for path in files}
    assert {name for name in wanted - packed if "__pycache__" not in name and ".egg-info" not in name} == set()


def test_what_an_earlier_build_left_behind_is_not_installed(source: Path, tmp_path: Path) -> None:
    checkout = shutil.copytree(source, tmp_path / "checkout", ignore=shutil.ignore_patterns("build", "*.egg-info"))
    modules = ("coconet/gone.py", "coconet/runtime/gone.py", "export/gone.py")  # the last as in an older layout
    left = [checkout / "build" / "lib" / name for name in modules]
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    python = empty_environment(tmp_path / "venv")
    pip(python, "install", checkout)
    (packages,) = (tmp_path / "venv").glob("lib/python3*/site-packages")
    assert (packages / "coconet" / "runtime" / "frame.py").is_file()
    assert list(packages.rglob("gone.py")) == []
    assert not (packages / "export").exists()
    assert all(path.is_file() for path in left)  # it is not ours to clear away


def test_an_installed_wheel_runs_from_another_folder_and_no_part_is_importable_by_itself(
    wheel: Path, tmp_path: Path
) -> None:
    python = empty_environment(tmp_path / "venv")
    pip(python, "install", wheel)
    program = (
        "import importlib.util as u, coconet.runtime.loop.pipeline as p; print(p.__file__);"
        f"print([part for part in {PARTS[1:]} if u.find_spec(part)])"
    )
    file, importable = said_by(python, program, tmp_path).splitlines()
    assert file.startswith(str(tmp_path / "venv"))
    assert importable == "[]"
    answer = subprocess.run([tmp_path / "venv/bin/coconet", "--version"], capture_output=True, text=True, check=True)
    assert answer.stdout.startswith("coconet-edge ")


def test_an_installed_wheel_fuses_two_synthetic_cameras_and_brings_its_unit(wheel: Path, tmp_path: Path) -> None:
    python = empty_environment(tmp_path / "venv")
    pip(python, "install", wheel)
    assert (tmp_path / "venv" / UNIT).read_text() == (ROOT / "docs" / "coconet.service").read_text()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment["HOME"] = str(tmp_path)  # no choice or engine of this user
    camera = "synthetic://?fps=25&width=96&height=64&duration_s=0.4"
    for words in (["--help"], ["run", camera, camera, "--out", "fused.mkv", "--model", "lite"]):
        command = [str(tmp_path / "venv/bin/coconet"), *words]
        subprocess.run(command, cwd=elsewhere, env=environment, check=True, capture_output=True, timeout=300)
    assert (elsewhere / "fused.mkv").stat().st_size > 1000


IN_A_CHECKOUT = """
import importlib.util as u
import coconet.runtime.frame, coconet.export.gate
print(coconet.runtime.frame.__file__, coconet.export.gate.__file__)
print([name for name in ("coconet", "tests", "docs", "setup", "nothing") if u.find_spec(f"coconet.{name}")])
"""


def test_python_in_a_checkout_finds_the_parts_there_with_a_plain_install_or_none(
    source: Path, wheel: Path, tmp_path: Path
) -> None:
    python = empty_environment(tmp_path / "venv")
    for folder in ("tests", "docs"):
        (source / folder).mkdir(exist_ok=True)
    wanted = [f"{source / 'runtime/frame.py'} {source / 'export/gate.py'}", "[]"]
    assert said_by(python, IN_A_CHECKOUT, source).splitlines() == wanted
    pip(python, "install", wheel)
    assert said_by(python, IN_A_CHECKOUT, source).splitlines() == wanted
    said = subprocess.run(
        [python, "-m", "coconet.benchmarks.studies.transfer_ring", "--help"],
        cwd=source,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "usage: transfer_ring.py" in said.stdout


def test_folders_beside_an_installed_package_are_none_of_its_parts(wheel: Path, tmp_path: Path) -> None:
    shutil.unpack_archive(wheel, tmp_path / "site", "zip")
    for part in PARTS[1:]:
        (tmp_path / "site" / part).mkdir()
        (tmp_path / "site" / part / "__init__.py").touch()
    (tmp_path / "site" / "setup.py").touch()
    program = "import coconet.runtime.frame as frame; print(frame.__file__)"
    assert said_by(Path(sys.executable), program, tmp_path / "site") == str(tmp_path / "site/coconet/runtime/frame.py")


def test_the_command_runs_as_a_module_too() -> None:
    command = [sys.executable, "-m", "coconet", "--version"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.startswith("coconet-edge ")


def test_an_editable_install_sees_files_and_rooms_that_are_added_later(source: Path, tmp_path: Path) -> None:
    python = empty_environment(tmp_path / "venv")
    pip(python, "install", "--editable", source)
    room = source / "runtime" / "annex"
    room.mkdir()
    (room / "__init__.py").touch()
    (room / "lamp.py").write_text("LIT = True\n")
    program = "import coconet.runtime.annex.lamp as lamp; print(lamp.LIT, lamp.__file__)"
    assert said_by(python, program, tmp_path) == f"True {room / 'lamp.py'}"
    shutil.rmtree(room)


def test_python_in_a_checkout_takes_no_part_of_another_one_that_is_installed_editable(
    source: Path, tmp_path: Path
) -> None:
    python = empty_environment(tmp_path / "venv")
    pip(python, "install", "--editable", source)
    other = shutil.copytree(source, tmp_path / "other", ignore=shutil.ignore_patterns("build", "*.egg-info"))
    files, folders = said_by(python, IN_A_CHECKOUT, other).splitlines()
    assert (files, folders) == (f"{other / 'runtime/frame.py'} {other / 'export/gate.py'}", "[]")
