"""A module of ours in a process of its own, which answers every line on its stdin with a line of JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any

from coconet.errors import CoconetError
from coconet.runtime.threads.background import Background

_ANSWER_S = 300.0  # at the lowest priority beside a loaded machine's work; one that has ended is told at once


class AskedProcess:
    """Asks a process. what: what it is, for errors."""

    def __init__(self, process: subprocess.Popen[str], what: str) -> None:
        self._process, self._what = process, what

    def ask(self, word: str = "") -> Any:
        """Send a line; give the answer. Raises CoconetError if the process has ended, or does not answer."""
        wishes, answers = self._pipes()
        with suppress(BrokenPipeError):
            wishes.write(f"{word}\n")
            wishes.flush()
        lines: list[str] = []
        reader = Background(lambda: lines.append(answers.readline()), f"{self._what}: answer")
        reader.start()
        reader.stop(_ANSWER_S)
        if not any(lines):
            got = "a process that has ended" if lines else f"none within {_ANSWER_S:g} s"
            raise CoconetError(
                self._what,
                wanted="an answer",
                got=got,
                remedy="Close other programs, and try again.",
                says=f"gave no answer: {got}",
            )
        return json.loads(lines[0])

    def _pipes(self) -> tuple[IO[str], IO[str]]:
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError(f"the {self._what} have no pipes")
        return self._process.stdin, self._process.stdout


@contextmanager
def asked_process(what: str, module: str, *words: str) -> Iterator[AskedProcess]:
    """Run a module inside the block."""
    pipe = subprocess.PIPE
    command = [sys.executable, "-m", module, *words]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:  # noqa: S603 - a module of ours
        try:
            yield AskedProcess(process, what)
        finally:
            process.kill()
