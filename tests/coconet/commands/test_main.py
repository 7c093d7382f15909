"""A command keeps its exit code, and closes what is open, even if a thread of its own is stuck in a library."""

from __future__ import annotations

import subprocess
import sys

import pytest

# What is left at the end of the interpreter says so as it goes.
PROGRAM = """
import atexit, os, sys, threading, time
import coconet.cli
from coconet.commands.__main__ import main

class Late:
    def __del__(self, write=os.write):
        write(1, b"interpreter gone\\n")

late = Late()
atexit.register(print, "closed")

def command():
    threading.Thread(target=time.sleep, args=(float(sys.argv[2]),), daemon=True).start()
    time.sleep(0.1)
    print("made", end="")
    sys.exit(int(sys.argv[1]) or None)

coconet.cli.main = command
main()
"""


@pytest.mark.parametrize(("code", "stuck_s"), [(0, 600), (5, 600), (0, 0), (5, 0)])
def test_the_interpreter_is_not_taken_apart_under_a_stuck_thread(code: int, stuck_s: float) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(code), str(stuck_s)], capture_output=True, timeout=60, check=False
    )
    lines = ["madeclosed"] if stuck_s else ["madeclosed", "interpreter gone"]
    assert (done.returncode, done.stdout.decode().splitlines()) == (code, lines), done.stderr.decode()
