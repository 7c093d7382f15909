"""The fused stream as raw pixels, by a pipe."""

from __future__ import annotations

import sys
from typing import BinaryIO

from coconet.errors import CoconetError
from coconet.event_log import warn_once
from coconet.runtime.frame import FusedFrame
from coconet.runtime.preprocess.fit import fitted
from coconet.runtime.sinks.sink import PIPED

RAW_PIPE = "raw:-"


def piped_output(name: str) -> BinaryIO:
    """Standard output, for bytes. name: of the sink. Raises CoconetError if this process was started without one."""
    if sys.stdout is None:
        raise CoconetError(
            name,
            wanted="standard output that something reads",
            got="none: it is closed",
            remedy="Pipe it into a reader, or name a file with --out.",
            says="writes to standard output, which is closed",
        )
    return sys.stdout.buffer


class RawSink:
    """Writes every picture as plain bytes: rows of BGR, or of gray from a gray visible camera.

    A reader counts bytes, so the size of the first picture is that of all: others are scaled to it, in their own
    proportions.
    """

    name, delivery = RAW_PIPE, PIPED

    def __init__(self, stream: BinaryIO | None = None) -> None:
        self._stream = stream or piped_output(RAW_PIPE)
        self._size_px: tuple[int, int] | None = None

    def write(self, frame: FusedFrame) -> None:
        """Write one picture. Raises CoconetError if the reader has gone."""
        height, width = frame.pixels.shape[:2]
        self._size_px = self._size_px or (width, height)
        pixels = frame.pixels
        if (width, height) != self._size_px:
            warn_once(f"pictures of {width}x{height} now; {RAW_PIPE} goes on at the size it began with.")
            pixels = fitted("scale", (width, height), self._size_px).lay(pixels, self._size_px)
        try:
            self._stream.write(pixels.tobytes())
            self._stream.flush()
        except OSError as error:
            raise CoconetError(
                RAW_PIPE,
                wanted="a reader",
                got=error.strerror or "none",
                remedy="Keep the reader running.",
                says="has no reader any more",
            ) from error

    def close(self) -> None:
        """Nothing to do: the code that opened the pipe closes it."""

    def discard(self) -> None:
        """Nothing to do."""
