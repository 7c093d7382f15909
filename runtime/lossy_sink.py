"""A sink that may get stuck, such as a network: frames it has no time for are dropped, and nobody waits for it."""

from __future__ import annotations

from contextlib import suppress

from coconet.errors import CoconetError
from runtime.clip import ClipWriter
from runtime.frame import FusedFrame, Sink

PATIENCE_S = 3.0
"""At the end, for what is still to be written."""


class LossySink:
    """Writes into another sink from a thread of its own."""

    def __init__(self, sink: Sink, name: str) -> None:
        """Take over an open sink; name: for errors, without passwords."""
        self._clip = ClipWriter(sink, name)

    @property
    def dropped(self) -> int:
        """How many frames there was no time for."""
        return self._clip.state.dropped

    def write(self, frame: FusedFrame) -> None:
        """Hand a frame over if there is room. Raises what the other sink raised for an earlier one."""
        self._clip.check()
        self._clip.note(frame)

    def close(self) -> None:
        """Finish what is waiting. Raises CoconetError where the other sink is stuck."""
        self._clip.stop(PATIENCE_S)

    def discard(self) -> None:
        """Give up; a sink that is stuck is left alone."""
        with suppress(CoconetError):
            self._clip.stop(PATIENCE_S)
