"""Arenas: pools of memory that glibc's malloc makes for threads and keeps; a process that runs for weeks bounds them.

A thread takes an arena of its own, until there are eight for every core, and what it lets go of stays in there: a loop
whose recordings come and go with threads of their own grows by every arena that was ever busy.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import MutableMapping

ARENAS = 2

VARIABLE = "MALLOC_ARENA_MAX"
"""What glibc reads when a process starts; a user who sets it decides."""

_TUNABLES, _TUNABLE = "GLIBC_TUNABLES", "glibc.malloc.arena_max"  # the newer way to say the same

_M_ARENA_MAX = -8  # of glibc's malloc.h; the C libraries that have no such parameter refuse it


def bound_arenas(environment: MutableMapping[str, str] = os.environ) -> bool:
    """Let this process, and those that it starts, share ARENAS arenas; give whether malloc took it.

    Call it before threads start: arenas that are there already stay. Does nothing if the user has set a number, and
    where malloc has no arenas of this kind (musl, macOS, Windows).
    """
    if VARIABLE in environment or _TUNABLE in environment.get(_TUNABLES, ""):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is None or not mallopt(_M_ARENA_MAX, ARENAS):
        return False
    environment[VARIABLE] = str(ARENAS)
    return True
