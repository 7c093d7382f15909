"""What a program of ours does while it runs, waited for as long as it does run."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable

from tests.support.programs.patience import PATIENCE_S


def await_of(process: subprocess.Popen[bytes], happened: Callable[[], object], most_s: float = PATIENCE_S) -> None:
    """Wait until something is true of a program whose streams are pipes.

    Fails at once if it ends before, and after `most_s`, with what it printed on both streams.
    """
    end_s = time.monotonic() + most_s
    while not happened():
        running = process.poll() is None
        if not running and happened():  # the last it did
            return
        if not running or time.monotonic() > end_s:
            process.kill()
            printed, said = process.communicate(timeout=PATIENCE_S)
            how = f"still ran after {most_s:g} s" if running else f"ended with exit code {process.returncode}"
            raise AssertionError(f"it {how}, and said:\n{printed.decode()}{said.decode()}")
        time.sleep(0.02)
