"""Resolves every extra and every documented line of pip for each kind of machine, and writes both tables of install.md.

It needs uv and the network, and installs nothing. Ends with 1 if one of them does not resolve; the document then stays
as it is.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

from tests.support.documents.install_lines import ROOT, asked_for
from tests.support.documents.resolved_tables import DOCUMENT, counts, devices, shown, with_tables
from tests.support.documents.resolver import BETWEEN, MACHINES, Outcome, outcome

CACHE = ROOT / ".venv" / "resolved"
"""What the index has said, so that a second run asks for what is new only."""


AT_ONCE = 8
"""Questions at a time; most of the time goes into waiting for the index."""


def main() -> None:
    found: dict[str, list[Outcome]] = {}
    asked = asked_for()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        begun = {
            name: [pool.submit(outcome, asked[name], one, CACHE) for one in (*MACHINES, *BETWEEN)] for name in asked
        }
        for number, (name, outcomes) in enumerate(begun.items(), 1):
            found[name] = [one.result() for one in outcomes]
            print(f"{number} of {len(asked)}  {name}: {', '.join(map(shown, found[name]))}", flush=True)
    red = [
        f"{name}, {machine.name}: {one.told[0]}"
        for name, outcomes in found.items()
        for machine, one in zip((*MACHINES, *BETWEEN), outcomes, strict=True)
        if one.state == "red"
    ]
    if red:
        sys.exit("\n".join(red))
    shown_there = {name: outcomes[: len(MACHINES)] for name, outcomes in found.items()}
    DOCUMENT.write_text(with_tables(DOCUMENT.read_text(), [*counts(shown_there), "", *devices(shown_there)]))
    print(f"all of them resolve; the tables are in {DOCUMENT.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
