"""Resolves every extra and every documented line of pip for each kind of machine; prints the table of docs/install.md.

It needs uv and the network, and installs nothing. Ends with 1 if one of them does not resolve.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.support.install_lines import asked_for
from tests.support.resolver import MACHINES, Outcome, outcome

SHOWN = {"ok": "{count}", "absent": "none", "red": "**red**"}


def main() -> None:
    names = [f"{machine.name}, Python {machine.key}" for machine in MACHINES]
    print("| asked for |", " | ".join(names), "|")
    print("| --- |", " | ".join("---" for _ in names), "|")
    red: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for name, packages in asked_for().items():
            found = [outcome(packages, machine, Path(folder)) for machine in MACHINES]
            print(f"| {name} |", " | ".join(map(shown, found)), "|", flush=True)
            red += [
                f"{name}, {who}: {one.told[0]}" for who, one in zip(names, found, strict=True) if one.state == "red"
            ]
    for line in red:
        print(line, file=sys.stderr)
    sys.exit(bool(red))


def shown(found: Outcome) -> str:
    return SHOWN[found.state].format(count=len(found.told))


if __name__ == "__main__":
    main()
