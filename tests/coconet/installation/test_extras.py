"""The extras by their modules and the commands by their extras are those of setup.py."""

from __future__ import annotations

import sys
from importlib.metadata import entry_points, metadata, packages_distributions, requires

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from coconet.installation.extras import COMMANDS, MODULES, lacking_extras, missing_modules
from coconet.installation.remedy import SYSTEM_PACKAGES
from tests.support.programs.import_graph import packages_behind

SETS = {"dev"}
"""Extras that only bundle others for those who work on the project."""

IN_BASE = {"numpy", "av", "tifffile", "typer", "rich", "pydantic", "packaging", "tomlkit", "tomli"}

BROUGHT_ALONG = {"google", "markupsafe", "pydantic_core"}
"""Parts of onnx, jinja2 and pydantic that have names of their own."""

INSTALLED = ("cpu", "headless", "export", "calibration", "metrics", "bench", "train", "openvino", "web", "radiometric")
"""Extras that the tests have, so that the names of their modules can be compared."""


def test_every_extra_is_known_by_its_modules() -> None:
    assert {*MODULES} - {*SYSTEM_PACKAGES} == {*metadata("coconet-edge").get_all("Provides-Extra", [])} - SETS


def test_every_command_is_told_with_what_it_needs() -> None:
    assert {*COMMANDS} == {entry.name for entry in entry_points(group="coconet.commands")}
    assert {extra for needs in COMMANDS.values() for extra in (*needs.always, *needs.options.values())} <= {*MODULES}


def test_the_modules_of_an_extra_are_those_of_its_packages() -> None:
    asked = [one for one in map(Requirement, requires("coconet-edge") or ()) if one.marker]
    owners = packages_distributions()
    for extra in INSTALLED:
        packages = {canonicalize_name(one.name) for one in asked if f'extra == "{extra}"' in str(one.marker)}
        modules = {name: {canonicalize_name(owner) for owner in owners[name]} for name in MODULES[extra]}
        assert {name for name, packed in modules.items() if not packed & packages} == set(), extra
        assert len(modules) == len(packages), extra


def test_a_module_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert missing_modules("cpu") == ()
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert missing_modules("cpu") == ("onnxruntime",)


@pytest.mark.parametrize(
    ("command", "first", "hidden", "lacking"),
    [
        ("run", "cpu", ("onnxruntime", "cv2"), ("cpu", "headless")),
        ("run", "headless", ("cv2",), ("headless",)),
        ("run", "window", ("cv2",), ("window",)),  # never two packages of one kind
        ("run", "tensorrt", ("tensorrt", "cv2"), ("tensorrt", "headless")),
        ("export", "calibration", ("onnx", "torch", "cv2"), ("export", "headless")),
        ("train", "export", ("torch", "scipy"), ("train",)),
        ("a command of another package", "mqtt", ("paho", "cv2"), ("mqtt",)),
    ],
)
def test_a_command_lacks_what_it_missed_first_and_what_it_would_miss_next(
    command: str, first: str, hidden: tuple[str, ...], lacking: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in hidden:
        monkeypatch.setitem(sys.modules, module, None)
    assert lacking_extras(command, first) == lacking


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_imports_nothing_that_its_extras_do_not_bring(command: str) -> None:
    (module,) = {entry.module for entry in entry_points(group="coconet.commands") if entry.name == command}
    needs = COMMANDS[command]
    extras = (*needs.always, *needs.options.values())
    brought = {name for extra in extras for name in MODULES[extra]} | IN_BASE | BROUGHT_ALONG
    assert packages_behind(module) <= brought
