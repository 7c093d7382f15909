"""An encoded stream in a process of its own.

While FFmpeg waits for an RTSP server, PyAV lets no other thread of its process run, and a server that has stopped
reading is waited for without end: neither may stop the cameras, the page or the way a run ends.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection

import numpy as np

from coconet.media.pixels import Pixels
from coconet.runtime.sinks.encoded_stream import PATIENCE_S, EncodedStream, StreamLost

_START_S = 60.0  # for Python and FFmpeg to be loaded, on a busy machine

_WAIT_S = 2 * PATIENCE_S  # FFmpeg gives up by itself after PATIENCE_S; this is for when it does not

_END_S = 1.0

_MODULE = "coconet.runtime.sinks.stream_process"

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


class StreamProcess:
    """Sends as EncodedStream does, and is ended if it waits for longer than a receiver deserves."""

    def __init__(self, address: str) -> None:
        """address: rtsp://; it is handed over by a pipe, as it may hold a password."""
        self._address = address
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe: Connection | None = None

    def send(self, pixels: Pixels, timestamp_ns: int) -> None:
        """Send one picture: (H, W, 3) BGR or (H, W) gray, uint8. Raises StreamLost."""
        try:
            pipe = self._pipe or self._started()
            pipe.send((pixels.shape, timestamp_ns))
            pipe.send_bytes(np.ascontiguousarray(pixels).data.cast("B"))
            lost = _answer(pipe, _WAIT_S)
        except (OSError, EOFError) as error:
            self.close()
            raise StreamLost(getattr(error, "strerror", None) or "its process ended") from error
        if lost is not None:
            self.close()
            raise StreamLost(*lost[:1], final=lost[1])

    def finish(self) -> None:
        """Send what is still in the encoder, and end the connection and the process."""
        if self._pipe is not None:
            with suppress(OSError, EOFError):
                self._pipe.send(None)
                _answer(self._pipe, _END_S)
        self.close()

    def close(self) -> None:
        """End the process; a second call does nothing."""
        process, pipe, self._process, self._pipe = self._process, self._pipe, None, None
        if pipe is not None:
            pipe.close()
        if process is not None:
            with suppress(subprocess.TimeoutExpired):
                process.wait(_END_S)
            process.kill()
            process.wait(_END_S)

    def _started(self) -> Connection:
        self._pipe, theirs = Pipe()
        with theirs:
            words = [sys.executable, "-m", _MODULE, str(theirs.fileno())]
            paths = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
            self._process = subprocess.Popen(  # noqa: S603  our own interpreter and module
                words, pass_fds=[theirs.fileno()], stdout=subprocess.DEVNULL, env=paths
            )
        self._pipe.send(self._address)
        _answer(self._pipe, _START_S)
        return self._pipe


def _answer(pipe: Connection, patience_s: float) -> tuple[str, bool] | None:
    """None if the other end has done what it was asked, else why not and whether that is final."""
    if not pipe.poll(patience_s):
        raise TimeoutError(0, "no answer")
    answer: tuple[str, bool] | None = pipe.recv()
    return answer


def serve(pipe: Connection) -> None:
    """Send what comes through the pipe, and say of each picture whether it was taken; ends with the other end."""
    stream = EncodedStream(pipe.recv())
    pipe.send(None)
    while (head := pipe.recv()) is not None:
        shape, timestamp_ns = head
        pixels = np.frombuffer(pipe.recv_bytes(), np.uint8).reshape(shape)
        try:
            stream.send(pixels, timestamp_ns)
        except StreamLost as error:
            pipe.send((error.reason, error.final))
        else:
            pipe.send(None)
    stream.finish()
    pipe.send(None)


if __name__ == "__main__":
    for name in _NAMES:  # a terminal sends them to every process; the other end of the pipe says when to end
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    with suppress(OSError, EOFError), Connection(int(sys.argv[1])) as opened:
        serve(opened)
