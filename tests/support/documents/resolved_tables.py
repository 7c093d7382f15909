"""The tables of docs/install.md that `make resolve` writes: what each extra and line comes to, and what devices get."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.documents.install_lines import ROOT, asked_for, packages_of_setup
from tests.support.documents.resolver import MACHINES, Machine, Outcome

DOCUMENT = ROOT / "docs" / "install.md"

BEGIN, END = "<!-- make resolve writes from here -->", "<!-- to here -->"

_DEVICE = re.compile(r"^\| (?P<device>[^|]+) \| [^|`]*`pip install (?P<words>[^`]+)` \|$", re.MULTILINE)

Found = Mapping[str, Sequence[Outcome]]
"""What came of everything that is asked for, on each of MACHINES."""


@dataclass(frozen=True)
class DeviceLine:
    """A line of the first table of the document. asked: what it is called in asked_for."""

    device: str
    asked: str

    def machines(self) -> Iterator[tuple[int, Machine]]:
        """Those of MACHINES that are such a device, with their places."""
        for place, machine in enumerate(MACHINES):
            if machine.name.startswith("JetPack") == (self.device == "Jetson"):
                yield place, machine


def device_lines() -> list[DeviceLine]:
    """The lines that the document has for devices."""
    before = DOCUMENT.read_text().partition("## One of each kind")[0]
    return [DeviceLine(found["device"], f"`{found['words']}`") for found in _DEVICE.finditer(before)]


def counts(found: Found) -> list[str]:
    """How many packages each extra and each line comes to on each machine."""
    names = [f"{machine.name}, Python {machine.key}" for machine in MACHINES]
    rows = [f"| {name} | {' | '.join(map(shown, outcomes))} |" for name, outcomes in found.items()]
    return [f"| asked for | {' | '.join(names)} |", f"| --- |{' --- |' * len(names)}", *rows]


def devices(found: Found) -> list[str]:
    """What the line of each device installs: how many packages, and the versions of what makes the difference."""
    rows = ["| device | system | line | installs |", "| --- | --- | --- | --- |"]
    for line in device_lines():
        for place, machine in line.machines():
            cells = (line.device, f"{machine.name}, Python {machine.key}", line.asked)
            rows.append(f"| {' | '.join(cells)} | {told(line, found[line.asked][place])} |")
    return rows


def told(line: DeviceLine, outcome: Outcome) -> str:
    """The number of packages, and those of NumPy and of the extras that a line names, with their versions."""
    if outcome.state != "ok":
        return shown(outcome)
    named = chosen_names(line)
    versions = [one.replace("==", " ") for one in outcome.told if one.partition("==")[0] in named]
    return f"{len(outcome.told)}: {', '.join(versions)}"


def chosen_names(line: DeviceLine) -> set[str]:
    """NumPy, and what a line asks for beyond the base."""
    beyond = set(asked_for()[line.asked]) - set(packages_of_setup()[""])
    return {"numpy", *(canonicalize_name(Requirement(one).name) for one in beyond)}


def shown(outcome: Outcome) -> str:
    """An outcome as a cell of a table."""
    return {"ok": str(len(outcome.told)), "absent": "none", "red": "**red**"}[outcome.state]


def with_tables(text: str, tables: Sequence[str]) -> str:
    """The document with these lines between its marks."""
    before, _, rest = text.partition(BEGIN)
    return "\n".join([f"{before}{BEGIN}", "", *tables, "", f"{END}{rest.partition(END)[2]}"])


def written_tables() -> tuple[list[list[str]], list[list[str]]]:
    """The cells of both tables as the document has them, without their heads."""
    written = DOCUMENT.read_text().partition(BEGIN)[2].partition(END)[0]
    blocks = [block.splitlines() for block in written.strip().split("\n\n") if block.startswith("|")]
    first, second = ([[cell.strip() for cell in row[1:-1].split(" | ")] for row in block[2:]] for block in blocks)
    return first, second
