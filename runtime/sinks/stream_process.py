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

from coconet.errors import Refused, system_reason
from coconet.media.encoding.encoder_choice import ChoiceFacts, EncoderChoice
from coconet.media.pixels import Pixels
from coconet.runtime.sinks.encoded_stream import PATIENCE_S, EncodedStream, StreamLost

_START_S = 60.0  # for Python and FFmpeg to be loaded, on a busy machine

_WAIT_S = 2 * PATIENCE_S  # FFmpeg gives up by itself after PATIENCE_S; this is for when it does not

_END_S = 1.0

_KILLED_S = 30.0  # what is killed is gone as soon as the system comes to it, which on a busy machine is not at once

_MODULE = "coconet.runtime.sinks.stream_process"

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


class StreamProcess:
    """Sends as EncodedStream does, and is ended if it waits for longer than a receiver deserves."""

    def __init__(self, address: str, encoders: EncoderChoice) -> None:
        """address: rtsp://; it is handed over by a pipe, as it may hold a password."""
        self._address, self._encoders = address, encoders
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe: Connection | None = None
        self._sent = False

    def send(self, pixels: Pixels, timestamp_ns: int) -> None:
        """Send one picture: (H, W, 3) BGR or (H, W) gray, uint8. Raises what EncodedStream raises."""
        try:
            pipe = self._pipe or self._started()
            pipe.send((pixels.shape, timestamp_ns))
            pipe.send_bytes(np.ascontiguousarray(pixels).data.cast("B"))
            tries = not self._sent and self._encoders.tries_hardware
            answer = _answer(pipe, _WAIT_S + _START_S * tries)
            self._sent = True
        except (OSError, EOFError) as error:
            self.close()
            raise StreamLost(system_reason(error, "its process ended")) from error
        self._encoders.facts, said, trouble = answer
        for say, text in said:
            (self._encoders.warn if say == "warn" else self._encoders.note)(text)
        if trouble is not None:  # the process stays: starting another for each try takes a second and more
            raise trouble

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
            process.wait(_KILLED_S)

    def _started(self) -> Connection:
        self._pipe, theirs = Pipe()
        with theirs:
            words = [sys.executable, "-m", _MODULE, str(theirs.fileno())]
            paths = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
            self._process = subprocess.Popen(  # noqa: S603  our own interpreter and module
                words, pass_fds=[theirs.fileno()], stdout=subprocess.DEVNULL, env=paths
            )
        self._sent = False
        self._pipe.send((self._address, self._encoders.facts))
        _answer(self._pipe, _START_S)
        return self._pipe


_Answer = tuple[ChoiceFacts, tuple[tuple[str, str], ...], "StreamLost | Refused | None"]
"""What the other end knows of encoders; "note" or "warn", and what it said; why it did not do what it was asked.

A plain tuple: a class of this module has another name in the process that runs it.
"""


def _answer(pipe: Connection, patience_s: float) -> _Answer:
    if not pipe.poll(patience_s):
        raise TimeoutError(0, "no answer")
    answer: _Answer = pipe.recv()
    return answer


def serve(pipe: Connection) -> None:
    """Send what comes through the pipe, and say of each picture whether it was taken; ends with the other end."""
    address, facts = pipe.recv()
    said: list[tuple[str, str]] = []
    encoders = EncoderChoice(
        note=lambda text: said.append(("note", text)), warn=lambda text: said.append(("warn", text))
    )
    encoders.facts = facts
    stream = EncodedStream(address, encoders)
    pipe.send((facts, (), None))
    while (head := pipe.recv()) is not None:
        shape, timestamp_ns = head
        pixels = np.frombuffer(pipe.recv_bytes(), np.uint8).reshape(shape)
        trouble: StreamLost | Refused | None = None
        try:
            stream.send(pixels, timestamp_ns)
        except (StreamLost, Refused) as error:
            trouble = error
        pipe.send((encoders.facts, tuple(said), trouble))
        said.clear()
    stream.finish()
    pipe.send((encoders.facts, (), None))


if __name__ == "__main__":
    for name in _NAMES:  # a terminal sends them to every process; the other end of the pipe says when to end
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    with suppress(OSError, EOFError), Connection(int(sys.argv[1])) as opened:
        serve(opened)
