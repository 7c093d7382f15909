"""Python's search for garbage: put off while a command is being loaded, since all that is imported stays."""

from __future__ import annotations

import gc


def put_off_garbage() -> None:
    """Let Python not look for garbage until look_for_garbage_again is called."""
    gc.disable()


def look_for_garbage_again() -> None:
    """Let Python look for garbage if that was put off, but not among what is there by now.

    Modules and what they consist of stay until the process ends, and a look through all of them takes longer than a
    frame.
    """
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
