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
    from rich.text import Text

    from coconet.runtime.doctor.doctor import Diagnosis, diagnose
    from coconet.runtime.doctor.rig import rig_findings
    from coconet.runtime.rig.rig_file import Rig
    from coconet.terminal import Console

    chosen = None if rig is None else Rig.from_file(rig)

    findings = []
    with Console(stderr=True).status("looking at this machine ...") as status:
        of_rig = () if chosen is None else rig_findings(chosen)
        for finding in chain(of_rig, diagnose()):
            findings.append(finding)
            status.update(Text(f"looked at: {finding.subject} ..."))
    diagnosis = Diagnosis(tuple(findings))
    if as_json:
        typer.echo(diagnosis.to_json())
    else:
        for line in diagnosis.to_lines():
            Console().print(line, soft_wrap=True)
    if not diagnosis.healthy:
        raise typer.Exit(1)
