"""The command `coconet doctor`."""

from __future__ import annotations

from typing import Annotated

import typer


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Say what this machine can run, line by line; each red line ends with the command that mends it.

    Ends with exit code 1 where a line is red.
    """
    from rich.text import Text

    from coconet.runtime.doctor.doctor import Diagnosis, diagnose
    from coconet.terminal import Console

    findings = []
    with Console(stderr=True).status("looking at this machine ...") as status:
        for finding in diagnose():
            findings.append(finding)
            status.update(Text(f"looked at: {finding.subject} ..."))
    diagnosis = Diagnosis(tuple(findings))
    if as_json:
        typer.echo(diagnosis.to_json())
    else:
        Console().print(diagnosis.to_table())
    if not diagnosis.healthy:
        raise typer.Exit(1)
