"""Pictures as JPEG, each encoded once however many look, and only when somebody does."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock

from coconet.errors import CoconetError, MissingPackage
from runtime.board import Posted
from runtime.frame import FusedFrame
from runtime.look import Look
from runtime.looking import shown

try:
    import cv2
except ImportError as error:
    raise MissingPackage("cv2", job="encoding pictures") from error

_QUALITY = 82  # of 100: noise and edges of a fused picture stay, at a tenth of the bytes of a PNG
_KEPT = 12  # every view of the newest frame, and what somebody a moment late still asks of the one before


class Jpegs:
    """Encodes in a thread of its own; encoded: how many pictures so far."""

    def __init__(self) -> None:
        self.encoded = 0
        self._lock = Lock()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="jpeg")
        self._asked: dict[tuple[int, Look], Future[bytes]] = {}

    def of(self, posted: Posted, look: Look) -> Future[bytes]:
        """Give the bytes of a picture, once they are there; the same ones to everybody who asks for it."""
        key = (posted.serial, look)
        with self._lock:
            if key not in self._asked:
                self._asked[key] = self._pool.submit(self._encode, posted.frame, look)
                if len(self._asked) > _KEPT:
                    del self._asked[next(iter(self._asked))]
            return self._asked[key]

    def close(self) -> None:
        """End the thread."""
        self._pool.shutdown(cancel_futures=True)

    def _encode(self, frame: FusedFrame, look: Look) -> bytes:
        self.encoded += 1
        pixels = shown(frame, look)
        done, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
        if not done:
            raise CoconetError("JPEG", wanted="pixels that fit", got=str(pixels.shape), remedy="Use smaller pictures.")
        return data.tobytes()
