"""The extras by their modules and the commands by their extras are those of setup.py."""

from __future__ import annotations

import sys
from importlib.metadata import entry_points, metadata, packages_distributions, requires

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from coconet.installation.extras import COMMANDS, MODULES, missing_modules

SETS = {"dev"}
"""Extras that only bundle others for those who work on the project."""

INSTALLED = ("cpu", "headless", "export", "calibration", "metrics", "bench", "train", "openvino", "web", "radiometric")
"""Extras that the tests have, so that the names of their modules can be compared."""


def test_every_extra_is_known_by_its_modules() -> None:
    assert {*MODULES} == {*metadata("coconet-edge").get_all("Provides-Extra", [])} - SETS


def test_every_command_is_told_with_what_it_needs() -> None:
    assert {*COMMANDS} == {entry.name for entry in entry_points(group="coconet.commands")}
    assert {extra for needs in COMMANDS.values() for extra in (*needs.always, *needs.options.values())} <= {*MODULES}


@pytest.mark.parametrize("extra", INSTALLED)
def test_the_modules_of_an_extra_are_those_of_its_packages(extra: str) -> None:
    packages = {
        canonicalize_name(one.name)
        for one in map(Requirement, requires("coconet-edge") or ())
        if one.marker and one.marker.evaluate({"extra": extra}) and not one.marker.evaluate({"extra": ""})
    }
    owners = {
        module: {canonicalize_name(name) for name in packages_distributions().get(module, [])}
        for module in MODULES[extra]
    }
    assert {module for module, names in owners.items() if not names & packages} == set()
    assert len(owners) == len(packages)


def test_a_module_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert missing_modules("cpu") == ()
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert missing_modules("cpu") == ("onnxruntime",)
