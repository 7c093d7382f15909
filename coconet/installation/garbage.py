"""Python's search for garbage: put off while a command is being loaded, and left out when the process ends.

All that is imported stays, and all that is there at the end goes with the process.
"""

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


def leave_garbage() -> None:
    """Let Python look for no garbage among what is there by now; before the process ends, when it would do so twice.

    Whatever writes or closes something at its end has to do so before.
    """
    gc.freeze()
