"""Which video encoders and decoders work on this machine: each that may be there works, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from coconet.media.decoding import decoder
from coconet.media.encoding import encoder
from coconet.runtime.doctor.finding import Finding

SIZE_PX = (1280, 720)

_TIMEOUT_S = 60

_ENCODES = """
from coconet.media.encoding.encoder import HARDWARE
from coconet.media.encoding.trial import Refusal, try_encoder
def attempt(candidate, size):
    for use in ("file", "live"):
        try_encoder(candidate, use, size)
"""

_DECODES = """
from coconet.media.decoding.decoder import HARDWARE
from coconet.media.decoding.trial import Refusal, try_decoder
def attempt(candidate, size):
    try_decoder(candidate, "h264", size)
"""

_TRIAL = """
import json, sys
candidate = next(one for one in HARDWARE if one.name == sys.argv[1])
try:
    attempt(candidate, (int(sys.argv[2]), int(sys.argv[3])))
    said = ""
except Refusal as refusal:
    said = str(refusal)
print(json.dumps(said))
"""

Try = Callable[[str], str]
"""Gives why the one of a name does not work; empty if it does."""


@dataclass(frozen=True)
class _Kind:
    """Encoders or decoders: what one is called, what it does, the code of its trial, and what stands behind all."""

    one: str
    does: str
    code: str
    behind: str


_ENCODER = _Kind("encoder", "encode", _ENCODES, "libx264 on the processor")

_DECODER = _Kind("decoder", "decode H.264 of", _DECODES, "FFmpeg on the processor")


def encoder_findings(root: Path = Path("/"), attempt: Try | None = None) -> Iterator[Finding]:
    """Try every hardware encoder whose device may be there. root: where dev lies.

    attempt: what stands in for the process in tests: a driver that is broken may end it.
    """
    yield from _findings(_ENCODER, [one.name for one in encoder.HARDWARE if one.here(root)], attempt)


def decoder_findings(root: Path = Path("/"), attempt: Try | None = None) -> Iterator[Finding]:
    """Try every hardware decoder whose device may be there, as encoder_findings does with encoders."""
    yield from _findings(_DECODER, [one.name for one in decoder.HARDWARE if one.here("h264", root)], attempt)


def _findings(kind: _Kind, here: list[str], attempt: Try | None) -> Iterator[Finding]:
    working = []
    for name in here:
        reason = attempt(name) if attempt else _attempt(kind, name)
        if reason:
            told = f"does not {kind.does} {SIZE_PX[0]}x{SIZE_PX[1]}: {reason}"
            yield Finding(f"{kind.one} {name}", "note", told)
        else:
            working.append(name)
    absent = "" if here else f"no device of a hardware {kind.one}; "
    first = f"{', '.join(working)}; {working[0]} is taken" if working else f"{absent}{kind.behind} is taken"
    yield Finding(f"{kind.one}s", "ok", first)


def _attempt(kind: _Kind, name: str) -> str:
    command = [sys.executable, "-c", f"{kind.code}{_TRIAL}", name, *map(str, SIZE_PX)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)  # noqa: S603  ours
    except subprocess.TimeoutExpired:
        return f"no answer within {_TIMEOUT_S} s"
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        return lines[-1] if lines else f"its process ended with {done.returncode}"
    return str(json.loads(done.stdout.splitlines()[-1]))
