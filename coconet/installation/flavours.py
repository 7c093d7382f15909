"""Packages that put their files into one folder: which of them are installed, and what lays a broken one down again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, distribution
from types import MappingProxyType, ModuleType

from coconet.installation.extras import MODULES
from coconet.installation.kernel_files import tegra_release
from coconet.installation.remedy import exchange_command, reinstall_command

FLAVOURS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "onnxruntime": {"onnxruntime": "cpu", "onnxruntime-gpu": "ort-gpu"},
        "cv2": {
            "opencv-python-headless": "headless",
            "opencv-python": "window",
            "opencv-contrib-python-headless": "headless",
            "opencv-contrib-python": "window",
        },
    }
)
"""By module, the packages that bring it, and the extra for what each is taken for."""

_LOADER_MISSES = "cannot open shared object file"


def installed_packages() -> dict[str, str]:
    """Each package of FLAVOURS that is installed, and the folder that its files lie in."""
    found = {}
    for name in [name for packages in FLAVOURS.values() for name in packages]:
        with suppress(PackageNotFoundError):
            found[name] = str(distribution(name).locate_file(""))
    return found


def restore_command(
    extra: str,
    said: str,
    installed: Mapping[str, str] | None = None,
    for_driver: Callable[[str], str] = str,
) -> str:
    """One line that brings the package of an extra back that is there and does not load.

    said: what it said. installed: names of packages and their folders, by default those of this Python. for_driver: the
    extra that an older driver takes instead. The flavour that is installed comes back, so that no second one is laid
    over it; one whose system lacks a library is exchanged for the extra's own, which needs none.
    """
    packages = next((FLAVOURS[module] for module in MODULES.get(extra, ()) if module in FLAVOURS), {})
    here = [name for name in packages if name in (installed_packages() if installed is None else installed)]
    if not here:
        return reinstall_command(extra)
    chosen = extra if _LOADER_MISSES in said or tegra_release() else for_driver(packages[here[-1]])
    return exchange_command(here, chosen)


def damaged_package(error: AttributeError) -> str | None:
    """The package that an attribute was missing from because of its files only the folder is left; None for others.

    Python takes such a folder for a package without code, and imports it without an error.
    """
    module = error.obj
    if not isinstance(module, ModuleType) or getattr(module, "__file__", None) is not None:
        return None
    name = module.__name__.partition(".")[0]
    return name if any(name in modules for modules in MODULES.values()) else None


def extra_of(module: str) -> str:
    """The first extra that brings a module."""
    return next(extra for extra, modules in MODULES.items() if module in modules)
