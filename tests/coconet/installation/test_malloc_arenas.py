"""Commands that run for weeks share two arenas of malloc, unless the user has said how many."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

from coconet.commands.__main__ import LASTING
from coconet.installation.malloc_arenas import ARENAS, VARIABLE, bound_arenas

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="arenas are those of glibc's malloc")

THREADS = 8

# A command has shown its help; then threads that live at once take memory, and glibc says how many arenas it has.
PROGRAM = f"""
import ctypes, sys, threading
from contextlib import suppress
from coconet.commands.__main__ import main
with suppress(SystemExit):
    main()
together = threading.Barrier({THREADS})
def take():
    kept = [bytes(9000) for _ in range(9)]
    together.wait()
threads = [threading.Thread(target=take) for _ in range({THREADS})]
for thread in threads: thread.start()
for thread in threads: thread.join()
sys.stdout.flush()
libc = ctypes.CDLL(None)
libc.malloc_info(0, ctypes.c_void_p.in_dll(libc, "stdout"))
libc.fflush(None)
"""


def arenas(command: str, **variables: str) -> int:
    free = {name: value for name, value in os.environ.items() if name not in (VARIABLE, "GLIBC_TUNABLES")}
    words = [sys.executable, "-c", PROGRAM, command, "--help"]
    done = subprocess.run(words, env={**free, **variables}, capture_output=True, text=True, check=True)
    return done.stdout.count("<heap nr=")


@pytest.mark.parametrize("command", ["batch", "run"])
def test_threads_of_a_command_that_lasts_share_two_arenas(command: str) -> None:
    assert arenas(command) == ARENAS


def test_a_command_that_ends_soon_keeps_an_arena_for_each_thread() -> None:
    assert arenas("init") > THREADS


@pytest.mark.parametrize("said", [{VARIABLE: "5"}, {"GLIBC_TUNABLES": "glibc.malloc.arena_max=5"}])
def test_a_number_that_the_user_has_set_stays(said: dict[str, str]) -> None:
    assert arenas("run", **said) == 5
    assert not bound_arenas(dict(said))


def test_processes_that_a_command_starts_are_bounded_too() -> None:
    environment: dict[str, str] = {}
    assert bound_arenas(environment)
    assert environment == {VARIABLE: str(ARENAS)}


def test_every_command_that_is_stopped_to_end_lasts() -> None:
    assert {"run", "record", "serve", "soak", "ros", "batch"} <= LASTING
