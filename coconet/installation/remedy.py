"""The command that installs what is missing, as it works where it is printed: in this environment, on this device."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from importlib.machinery import PathFinder
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import TYPE_CHECKING

from coconet.installation.kernel_files import tegra_release
from coconet.installation.origin import DISTRIBUTION, Origin, read_origin

if TYPE_CHECKING:
    from packaging.requirements import Requirement

SYSTEM_PACKAGES = {
    "gstreamer": ("python3-gi", "gir1.2-gstreamer-1.0", "gir1.2-gst-plugins-base-1.0"),
}
"""What comes by apt everywhere, as it has to match the system's GStreamer."""

JETSON_PACKAGES = {**SYSTEM_PACKAGES, "tensorrt": ("python3-libnvinfer",), "tensorrt-cu12": ("python3-libnvinfer",)}
"""What comes by apt on a Jetson, as it has to match JetPack's CUDA as well."""

NOT_ON_JETSON = {
    "rtx": "TensorRT for RTX has no Jetson among its targets: leave --gpu out to build with JetPack's TensorRT.",
    "ort-gpu": "No ONNX Runtime of an index has kernels for a Jetson's GPU: build an engine.",
    "ort-gpu-cu12": "No ONNX Runtime of an index has kernels for a Jetson's GPU: build an engine.",
}

SYSTEM_ROOT = Path("/")


def remedy_for(*extras: str, root: Path = SYSTEM_ROOT) -> str:
    """A sentence that says how to install these extras here. root: the folder in which /etc lies."""
    told = advice(*extras, root=root)
    return told if told in NOT_ON_JETSON.values() else f"Install it with: {told}"


def advice(*extras: str, root: Path = SYSTEM_ROOT) -> str:
    """The line for a shell that brings these extras, or why this device has none of them."""
    if tegra_release(root):
        for extra in extras:
            if extra in NOT_ON_JETSON:
                return NOT_ON_JETSON[extra]
    return install_command(*extras, root=root)


def install_command(*extras: str, root: Path = SYSTEM_ROOT) -> str:
    """One line for a shell that brings these extras, or, without any, the base.

    On a Jetson it brings no other TensorRT, NumPy or OpenCV than those that are there: what belongs to the system comes
    by apt, and the rest by its own names, with NumPy held at its version.
    """
    jetson = bool(tegra_release(root))
    by_apt = JETSON_PACKAGES if jetson else SYSTEM_PACKAGES
    system = dict.fromkeys(package for extra in extras for package in by_apt.get(extra, ()))
    python = [extra for extra in extras if extra not in by_apt]
    lines = [f"sudo apt install {' '.join(system)}"] if system else []
    if system and not _sees_the_system():
        lines.append(f"python3 -m venv --system-site-packages {shlex.quote(sys.prefix)}")
    beside = [one for extra in extras if extra in by_apt for one in _required_by(extra) if not _is_had(one, jetson)]
    if jetson and (python or beside or not extras):
        named = [] if extras and not python else _requirements(python)
        lines.append(_pip_line(dict.fromkeys([*named, *map(str, beside), *_held()])))
    elif python or not extras:
        lines.append(_pip_line(_words(read_origin(), python)))
    return " && ".join(lines)


def reinstall_command(extra: str, root: Path = SYSTEM_ROOT) -> str:
    """One line that reinstalls the packages of an extra, which pip would otherwise leave alone."""
    by_apt = JETSON_PACKAGES if tegra_release(root) else SYSTEM_PACKAGES
    if extra in by_apt:
        return f"sudo apt install --reinstall {' '.join(by_apt[extra])}"
    return _pip_line(["--force-reinstall", "--no-deps", *_requirements([extra])])


def exchange_command(packages: Iterable[str], *extras: str, root: Path = SYSTEM_ROOT) -> str:
    """One line that takes packages out, which put their files over each other's, and brings these extras instead."""
    return f"{shlex.join([*_pip('uninstall'), '-y', *packages])} && {install_command(*extras, root=root)}"


def exchange_remedy(lead: str, packages: Iterable[str], extra: str, root: Path = SYSTEM_ROOT) -> str:
    """A sentence that says how to exchange packages for those of an extra, or why this device has none of them."""
    told = advice(extra, root=root)
    return told if told in NOT_ON_JETSON.values() else f"{lead} {exchange_command(packages, extra, root=root)}"


def _words(origin: Origin | None, extras: Sequence[str]) -> list[str]:
    """What pip is given: where this installation came from, or, if that is gone, the packages by their names."""
    return _requirements(extras) if origin is None else list(origin.words(*extras))


def _requirements(extras: Sequence[str]) -> list[str]:
    """The packages of these extras as pip takes them, those that hold for this Python; the base's without extras."""
    found = dict.fromkeys(str(one) for extra in extras or ("",) for one in _required_by(extra))
    return list(found) or list(Origin().words(*extras))


def _required_by(extra: str) -> Iterator[Requirement]:
    with suppress(PackageNotFoundError, ImportError):
        from packaging.requirements import Requirement

        for one in map(Requirement, requires(DISTRIBUTION) or ()):
            in_base = one.marker is None or one.marker.evaluate({"extra": ""})
            here = one.marker is None or one.marker.evaluate({"extra": extra})
            if here and in_base == (not extra):
                one.marker = None
                yield one


def _is_had(one: Requirement, jetson: bool) -> bool:
    """Whether apt brings this requirement of an extra, or it is there already."""
    if jetson and one.name.startswith("tensorrt"):
        return True
    with suppress(PackageNotFoundError):
        return one.specifier.contains(version(one.name), prereleases=True)
    return False


def _held() -> Iterator[str]:
    with suppress(PackageNotFoundError):
        yield f"numpy=={version('numpy')}"


def _pip_line(words: Iterable[str]) -> str:
    return shlex.join([*_pip("install"), *words])


def _pip(order: str) -> list[str]:
    """An order to the pip of this environment: by its short name if that is what a shell would find."""
    # Asked past the other finders: setuptools' one forgets the distutils that is in use when it hears of pip.
    if PathFinder.find_spec("pip") is None and shutil.which("uv"):
        return ["uv", "pip", order, "--python", sys.executable]
    found = shutil.which("pip")
    short = found is not None and Path(found).parent == Path(sys.executable).parent
    return ["pip", order] if short else [sys.executable, "-m", "pip", order]


def _sees_the_system() -> bool:
    """Whether this Python finds packages that apt installs: the system's own does, an environment if told to."""
    if sys.prefix == sys.base_prefix:
        return True
    with suppress(OSError):
        settings = (Path(sys.prefix) / "pyvenv.cfg").read_text(encoding="utf-8").lower()
        return "include-system-site-packages = true" in settings
    return False
