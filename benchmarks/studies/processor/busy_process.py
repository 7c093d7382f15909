"""A process that keeps one core busy, as another program beside a run does."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_PROGRAM = "import os\nparent = os.getppid()\nprint(flush=True)\nwhile os.getppid() == parent:\n    sum(range(10000))"
"""Ends with the process that started it, however that ends."""


@contextmanager
def busy_process() -> Iterator[subprocess.Popen[bytes]]:
    """Keep a core busy inside the block, from when it begins."""
    with subprocess.Popen([sys.executable, "-c", _PROGRAM], stdout=subprocess.PIPE) as process:  # noqa: S603 - our own
        try:
            if process.stdout is not None:
                process.stdout.readline()
            yield process
        finally:
            process.kill()
