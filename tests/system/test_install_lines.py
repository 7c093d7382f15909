"""Every documented line that calls pip names what there is, and following one never leaves two of a kind."""

from __future__ import annotations

import os
import re
from itertools import groupby
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from coconet.installation.extras import COMMANDS
from coconet.installation.flavours import FLAVOURS
from coconet.installation.remedy import SYSTEM_PACKAGES
from tests.support.documents.install_lines import ROOT, InstallLine, asked_for, install_lines, packages_of_setup
from tests.support.documents.resolved_tables import chosen_names, device_lines, written_tables
from tests.support.documents.resolver import BETWEEN, MACHINES, Machine, Unresolvable, missing_on, outcome, resolve

LINES = install_lines()
SWITCH = "COCONET_RESOLVE"
KINDS = [{canonicalize_name(name) for name in names} for names in FLAVOURS.values()]
ALTERNATIVES = ("README.md", "docs/install.md")
"""Their lines stand beside each other, one for each device; those of every other document follow each other."""


def document_of(line: InstallLine) -> str:
    return line.place.partition(":")[0]


def test_the_lines_are_found() -> None:
    documents = {document_of(line) for line in LINES}
    assert {"README.md", "Makefile", "docs/docker/jetson.Dockerfile", "docs/docker/desktop.Dockerfile"} < documents
    assert {f"docs/{name}.md" for name in ("install", "jetson", "desktop", "live", "benchmark")} < documents


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.place)
def test_a_line_names_extras_that_there_are_and_no_index_that_has_us(line: InstallLine) -> None:
    assert set(line.extras or ()) <= packages_of_setup().keys()
    assert not line.by_name
    assert all(Requirement(one) for one in line.others)


@pytest.mark.parametrize("line", [line for line in LINES if not line.removes], ids=lambda line: line.place)
def test_no_line_brings_two_packages_of_one_kind(line: InstallLine) -> None:
    assert all(len(line.names() & kind) <= 1 for kind in KINDS)


def test_a_document_that_is_followed_never_leaves_two_packages_of_one_kind() -> None:
    for document, lines in groupby(LINES, document_of):
        there: set[str] = set()
        for line in lines if document not in ALTERNATIVES else ():
            there = there - line.names() if line.removes else there | line.names()
            assert all(len(there & kind) <= 1 for kind in KINDS), line.place


def test_no_extra_brings_a_package_of_those_that_exclude_each_other_unasked() -> None:
    choosing = {extra for extras in FLAVOURS.values() for extra in extras.values()} | {"ort-gpu-cu12", "dev"}
    packages = packages_of_setup()
    brings = {extra: {canonicalize_name(Requirement(one).name) for one in packages[extra]} for extra in packages}
    assert {extra for extra, names in brings.items() if any(names & kind for kind in KINDS)} == choosing


def test_every_extra_is_explained() -> None:
    told = (ROOT / "docs" / "install.md").read_text()
    table = re.findall(r"^\| (`[^|]*`) \|", told[told.index("## Extras") : told.index("## What each")], re.MULTILINE)
    explained = [name for cell in table for name in re.findall(r"`([\w-]+)`", cell)]
    assert sorted(explained) == sorted(name for name in packages_of_setup() if name)


def test_the_guide_to_installing_says_what_each_command_needs() -> None:
    told: dict[str, list[str]] = {}
    for name, needs in COMMANDS.items():
        told.setdefault(", ".join(f"`{extra}`" for extra in needs.always) or "nothing more", []).append(f"`{name}`")
    rows = [f"| {' '.join(names)} | {extras} |" for extras, names in told.items()]
    options: dict[str, dict[str, None]] = {}
    for needs in COMMANDS.values():
        for option, extra in needs.options.items():
            options.setdefault(extra, {})[option] = None
    system = "the system's GStreamer: [rig.md](rig.md)"
    brought = {extra: system if extra in SYSTEM_PACKAGES else f"`{extra}`" for extra in options}
    rows += [f"| {', '.join(words)} | and {brought[extra]} |" for extra, words in options.items()]
    table = "\n".join(["| command | extras |", "| --- | --- |", *rows])
    assert table in (ROOT / "docs" / "install.md").read_text(), f"docs/install.md should have:\n{table}"


def test_every_python_that_the_package_was_run_on_is_asked_about() -> None:
    told = re.search(r"It was run on Python (.+)\.$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert told is not None
    assert sorted(re.findall(r"3\.\d+", told[1])) == sorted({machine.python for machine in (*MACHINES, *BETWEEN)})


def test_the_tables_of_what_resolves_are_about_what_is_asked_for_now() -> None:
    """As `make resolve` writes them: run it after a change of setup.py or of a line of pip."""
    found, _ = written_tables()
    assert [row[0] for row in found] == list(asked_for())
    for (name, *cells), packages in zip(found, asked_for().values(), strict=True):
        for cell, machine in zip(cells, MACHINES, strict=True):
            assert (cell == "none") == bool(missing_on(packages, machine)), (name, machine.name)
            assert (
                cell == "none" or int(cell) >= len({canonicalize_name(Requirement(one).name) for one in packages}) - 1
            )


def test_the_line_of_each_device_installs_what_setup_asks_for() -> None:
    found, devices = written_tables()
    counts = {name: cells for name, *cells in found}
    expected = [(line, place, machine) for line in device_lines() for place, machine in line.machines()]
    for (device, system, asked, installs), (line, place, machine) in zip(devices, expected, strict=True):
        assert (device, system, asked) == (line.device, f"{machine.name}, Python {machine.key}", line.asked)
        count, _, versions = installs.partition(": ")
        assert count == counts[asked][place]
        chosen = dict(one.split(" ") for one in versions.split(", "))
        assert chosen.keys() <= chosen_names(line)
        for one in map(Requirement, asked_for()[asked]):
            name = canonicalize_name(one.name)
            assert name not in chosen or one.specifier.contains(chosen[name], prereleases=True), one
        left_out = chosen_names(line) - chosen.keys()
        assert all(name.startswith("tensorrt") for name in left_out)


@pytest.mark.network
@pytest.mark.skipif(not os.environ.get(SWITCH), reason=f"asks the package index: make resolve, or {SWITCH}=1")
@pytest.mark.parametrize("machine", [*MACHINES, *BETWEEN], ids=lambda machine: machine.name)
def test_every_extra_and_line_resolves_to_wheels(machine: Machine, tmp_path: Path) -> None:
    try:
        resolve(["packaging"], machine, tmp_path)
    except Unresolvable as error:
        pytest.skip(f"nobody resolves: {error}")
    found = {name: outcome(packages, machine, tmp_path) for name, packages in asked_for().items()}
    assert {name: one.told for name, one in found.items() if one.state == "red"} == {}
