"""The command `coconet doctor`."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Annotated

import typer


def doctor(
    rig: Annotated[Path | None, typer.Argument(help="A rig.toml, whose cameras are tried first.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Say what this machine can run, line by line; each red line ends with the command that fixes it.

    With a rig file, it tries its cameras first: do they answer, let in, and give which size, rate, codec and clock?

    Ends with exit code 1 where a line is red.
    """
    from coconet.progress.board import working
    from coconet.runtime.doctor.doctor import Diagnosis, diagnose
    from coconet.runtime.doctor.rig import rig_findings
    from coconet.runtime.rig.rig_file import Rig
    from coconet.terminal.console import Console

    chosen = None if rig is None else Rig.from_file(rig)

    findings = []
    with working("looking at this machine") as work:
        of_rig = () if chosen is None else rig_findings(chosen)
        for finding in chain(of_rig, diagnose()):
            findings.append(finding)
            work.update(f"looked at: {finding.subject}")
    diagnosis = Diagnosis(tuple(findings))
    if as_json:
        typer.echo(diagnosis.to_json())
    else:
        for line in diagnosis.to_lines():
            Console().print(line, soft_wrap=True)
    if not diagnosis.healthy:
        raise typer.Exit(1)
