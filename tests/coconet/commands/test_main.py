"""A command keeps its exit code, and closes what is open, even if a thread of its own is stuck in a library."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from coconet.commands.__main__ import STOPPED

# What is left at the end of the interpreter says so as it goes.
PROGRAM = """
import atexit, os, sys, threading, time
import coconet.cli
from coconet.commands.__main__ import main

class Late:
    def __del__(self, write=os.write):
        write(1, b"interpreter gone\\n")

sys.late = Late()  # what modules refer to among themselves goes without a word
atexit.register(print, "closed")

def command():
    threading.Thread(target=time.sleep, args=(float(sys.argv[2]),), daemon=True).start()
    time.sleep(0.1)
    print("made", end="")
    sys.exit(int(sys.argv[1]) or None)

coconet.cli.main = lambda stopping: command()
main()
"""


@pytest.mark.parametrize(("code", "stuck_s"), [(0, 600), (5, 600), (0, 0), (5, 0)])
def test_the_interpreter_is_not_taken_apart_under_a_stuck_thread(code: int, stuck_s: float) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(code), str(stuck_s)], capture_output=True, timeout=60, check=False
    )
    lines = ["madeclosed"] if stuck_s else ["madeclosed", "interpreter gone"]
    assert (done.returncode, done.stdout.decode().splitlines()) == (code, lines), done.stderr.decode()


# The module is one whose import a signal breaks into; like libraries in C++, it makes an ImportError of what it gets.
IMPORT = """
import os, time, signal, sys, types
import coconet.cli
from coconet.commands.__main__ import main
from coconet.errors import MissingPackage

def load():
    try:
        signal.raise_signal(getattr(signal, sys.argv[2]))
    except BaseException as broken:
        raise ImportError("initialization failed") from broken

def fail():
    try:
        load()
    except ImportError as error:
        raise MissingPackage("openvino", job="models") from error

def forget():
    class Swallows:
        def __del__(self):
            signal.raise_signal(getattr(signal, sys.argv[2]))
    Swallows()

def fork():
    child = os.fork()
    if not child:
        signal.raise_signal(getattr(signal, sys.argv[2]))
        print("child goes on", flush=True)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)

def log():
    from coconet.runtime.backends.tensorrt import module
    logger, _ = module.process_logger(module.rtx_module())
    module.LOG.debug = lambda text: signal.raise_signal(getattr(signal, sys.argv[2]))
    def native():
        logger.log(module.rtx_module().ILogger.ERROR, "text")
        print("logged", flush=True)
    native()
    while True:
        time.sleep(0.01)

signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)
coconet.cli.app = {"fail": fail, "forget": forget, "fork": fork, "log": log}[sys.argv[3]]
main()
"""

POSIX = pytest.mark.skipif(os.name != "posix", reason="signals are sent as POSIX does")


def ended(name: str, case: str) -> tuple[int, str, str]:
    words = [sys.executable, "-c", IMPORT, "bench", name, case]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout.strip(), done.stderr.strip()


@POSIX
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_that_an_import_makes_an_error_of_still_ends_the_command_in_order(name: str) -> None:
    assert ended(name, "fail") == (STOPPED, "", "stopped")


@POSIX
def test_a_signal_that_comes_in_a_destructor_writes_no_traceback() -> None:
    assert ended("SIGINT", "forget")[2] == ""


@POSIX
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_process_that_a_library_forks_ends_as_the_signal_says_and_not_the_command(name: str) -> None:
    assert ended(name, "fork") == (0, str(-getattr(signal, name)), "")


@POSIX
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_that_comes_while_tensorrt_calls_us_ends_the_command_once_that_returns(name: str) -> None:
    assert ended(name, "log") == (STOPPED, "logged", "stopped")
