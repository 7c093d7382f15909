"""The whole command line in this process: words in, the exit code and both streams out."""

from __future__ import annotations

import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from unittest.mock import patch

from coconet.cli import main


@dataclass(frozen=True)
class Ended:
    """How a command ended. error: an exception that came out of it, which a user would see as a traceback."""

    code: int
    out: str
    err: str


def command(*words: object) -> Ended:
    """Run `coconet words...`; the code is 0 where it returns."""
    out, err, code = StringIO(), StringIO(), 0
    with redirect_stdout(out), redirect_stderr(err), patch.object(sys, "argv", ["coconet", *map(str, words)]):
        try:
            main()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return Ended(code, out.getvalue(), err.getvalue())
