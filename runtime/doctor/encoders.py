"""Which video encoders work on this machine: each that may be there encodes, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from coconet.media.encoding.encoder import HARDWARE
from coconet.runtime.doctor.finding import Finding

SIZE_PX = (1280, 720)

_TIMEOUT_S = 60

_TRIAL = """
import json, sys
from coconet.media.encoding.encoder import HARDWARE
from coconet.media.encoding.trial import Refusal, try_encoder
candidate = next(one for one in HARDWARE if one.name == sys.argv[1])
try:
    try_encoder(candidate, "file", (int(sys.argv[2]), int(sys.argv[3])))
    try_encoder(candidate, "live", (int(sys.argv[2]), int(sys.argv[3])))
    said = ""
except Refusal as refusal:
    said = str(refusal)
print(json.dumps(said))
"""

Try = Callable[[str], str]
"""Gives why the encoder of a name does not work; empty if it does."""


def encoder_findings(root: Path = Path("/"), attempt: Try | None = None) -> Iterator[Finding]:
    """Try every hardware encoder whose device may be there. root: where dev lies.

    attempt: what stands in for the process in tests: a driver that is broken may end it.
    """
    here = [one.name for one in HARDWARE if one.here(root)]
    working = []
    for name in here:
        reason = (attempt or _attempt)(name)
        if reason:
            yield Finding(f"encoder {name}", "note", f"does not encode {SIZE_PX[0]}x{SIZE_PX[1]}: {reason}")
        else:
            working.append(name)
    absent = "" if here else "no device of a hardware encoder; "
    first = f"{', '.join(working)}; {working[0]} is taken" if working else f"{absent}libx264 on the processor is taken"
    yield Finding("encoders", "ok", first)


def _attempt(name: str) -> str:
    command = [sys.executable, "-c", _TRIAL, name, *map(str, SIZE_PX)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)  # noqa: S603  ours
    except subprocess.TimeoutExpired:
        return f"no answer within {_TIMEOUT_S} s"
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        return lines[-1] if lines else f"its process ended with {done.returncode}"
    return str(json.loads(done.stdout.splitlines()[-1]))
