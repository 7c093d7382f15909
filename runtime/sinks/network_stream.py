"""The fused stream for whatever comes next: H.264 by UDP, RTSP or a pipe."""

from __future__ import annotations

import logging
import time

from coconet.errors import CoconetError, counted
from coconet.event_log import log_event, warn_once
from coconet.media.encoding.encoder_choice import EncoderChoice, software_only
from coconet.redaction import redact
from coconet.runtime.frame import FusedFrame
from coconet.runtime.sinks.encoded_stream import EncodedStream, StreamLost
from coconet.runtime.sinks.sink import PIPED, SENT
from coconet.runtime.sinks.stream_process import StreamProcess

NETWORK = ("udp://", "rtsp://")

_RETRY_S = 2.0


class StreamSink:
    """Encodes with little delay and sends; while a receiver is not there it is tried again, and frames are dropped.

    UDP and pipes carry an MPEG transport stream; to RTSP servers the stream is pushed, from a process of its own. A
    picture of another size begins the stream again. dropped: frames nobody got.
    """

    def __init__(self, address: str, encoders: EncoderChoice | None = None) -> None:
        """Prepare to send; the first frame decides the size, and opens the connection.

        encoders: what to choose from; no hardware if None.
        """
        encoders = encoders or software_only()
        self.name, piped = redact(address), address.startswith("h264")
        self.delivery = PIPED if piped else SENT
        self.dropped = self._sent = 0
        answered = address.startswith("rtsp")  # what answers can also keep us waiting
        kind = StreamProcess if answered else EncodedStream
        self._stream: EncodedStream | StreamProcess = kind(address, encoders)
        self._retry_s = 0.0

    def write(self, frame: FusedFrame) -> None:
        """Send one frame. Raises CoconetError if a pipe has been closed, and for a password that is refused."""
        if time.monotonic() < self._retry_s:
            self.dropped += 1
            return
        try:
            self._stream.send(frame.pixels, frame.pair.timestamp_ns)
            self._sent += 1
        except StreamLost as error:
            self._lost(error)

    def close(self) -> None:
        """Send what is still in the encoder. Raises CoconetError if no frame at all found a receiver."""
        if not self._sent and self.dropped:
            self.discard()
            raise CoconetError(
                self.name,
                wanted="a receiver of the stream",
                got=f"none for {counted(self.dropped, 'frame')}",
                remedy="Start the receiver.",
                says=f"had no receiver for {counted(self.dropped, 'frame')}",
            )
        self._stream.finish()

    def discard(self) -> None:
        """End the connection."""
        self._stream.close()

    def _lost(self, error: StreamLost) -> None:
        if error.final:
            raise CoconetError(
                self.name,
                wanted="a receiver of the stream",
                got=error.reason,
                remedy="Start the receiver first.",
                says=f"is not received: {error.reason}",
            ) from error
        if not self.dropped:
            warn_once(f"nothing receives {self.name} ({error.reason}); it is tried again every {_RETRY_S:g} s.")
        self.dropped += 1
        self._retry_s = time.monotonic() + _RETRY_S
        log_event("output lost", level=logging.WARNING, output=self.name, trouble=error.reason)
