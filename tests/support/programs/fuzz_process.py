"""The command line in a process of its own, called again and again: what each call came to, within a time and 2 GB.

A call that hangs, or ends the process, is told as that; the next one gets a fresh process.
"""

from __future__ import annotations

import json
import os
import resource
import select
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType

from coconet.cli import TRACEBACK
from coconet.installation.kernel_files import bytes_in
from tests.support.programs.command_line import command

LONG = os.environ.get("COCONET_FUZZ") == "long"
"""Whether hundreds of cases are tried, and each has to end within 10 s; a test among others waits longer."""

HANG_S = 10.0 if LONG else 120.0
MOST_BYTES = 2 * 2**30
_SPACE_BYTES = 12 * 2**30  # of addresses, which libraries reserve and never use
_START_S = 120.0


@dataclass(frozen=True)
class Outcome:
    """How a call ended. code: -1 where the process died or was killed. said: the end of stderr, or what happened."""

    code: int
    said: str
    peak_bytes: int = 0

    @property
    def fault(self) -> str:
        """What must not be, in words; empty if all is well."""
        if self.code not in range(9) or "Traceback" in self.said:
            return f"code {self.code}: {self.said}"
        if self.code and not self.said.strip():
            return f"code {self.code} without a word"
        return f"{self.peak_bytes / 2**20:.0f} MiB" if self.peak_bytes > MOST_BYTES else ""


class FuzzProcess:
    """A context manager; `call` runs `coconet words...` in the process."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def call(self, *words: object) -> Outcome:
        """Run a command and say how it ended."""
        process = self._process or self._start()
        assert process.stdin is not None
        try:
            print(json.dumps([str(word) for word in words]), file=process.stdin, flush=True)
            line = self._line(HANG_S)
        except BrokenPipeError:
            line = ""
        if line:
            return Outcome(**json.loads(line))
        hangs = line is None
        code = self._end()
        return Outcome(-1, f"no answer within {HANG_S:g} s" if hangs else f"the process ended with {code}")

    def __enter__(self) -> FuzzProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._end()

    def _start(self) -> subprocess.Popen[str]:
        pipe, words = subprocess.PIPE, [sys.executable, "-m", "tests.support.programs.fuzz_process"]
        root = Path(__file__).resolve().parents[3]
        shown = {**os.environ, TRACEBACK: "1"}  # where an error came from, should there be one
        self._process = subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True, cwd=root, env=shown)
        assert self._line(_START_S) == "ready\n"
        return self._process

    def _line(self, most_s: float) -> str | None:
        """The next line; None if none comes in time, and an empty one at the end of the process."""
        assert self._process is not None
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], most_s)
        return self._process.stdout.readline() if ready else None

    def _end(self) -> int:
        process, self._process = self._process, None
        assert process is not None
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=60)
        return process.returncode


def _serve() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_SPACE_BYTES, resource.RLIM_INFINITY))
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    for warm in ("coconet.runtime.loop.run", "coconet.runtime.backends.ort_cpu", "coconet.media.video"):
        __import__(warm)
    print("ready", file=answers, flush=True)
    while line := sys.stdin.readline():
        ended = command(*json.loads(line))
        peak = bytes_in(Path("/proc/self/status"), "VmHWM") or 0
        print(json.dumps(asdict(Outcome(ended.code, ended.err[-2000:], peak))), file=answers, flush=True)


if __name__ == "__main__":
    _serve()
