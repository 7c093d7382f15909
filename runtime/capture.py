"""A camera read in a thread of its own; the one class that owns threads."""

from __future__ import annotations

from collections import deque
from threading import Condition, Thread
from types import TracebackType

from runtime.frame import Camera, Frame


class Capture:
    """Reads a camera ahead, into a buffer of at most `depth` frames.

    A realtime camera is never kept waiting: where the buffer is full, its oldest frame is dropped and counted. Any
    other camera waits for room, so that no frame is lost. What goes wrong in the thread is raised by `take`, after the
    frames read before it. As a context manager it reads inside the block; the camera stays open after it.
    """

    def __init__(self, camera: Camera, depth: int, changed: Condition | None = None) -> None:
        """Prepare to read `camera`; captures that share `changed` can be waited for together."""
        self._camera = camera
        self._depth = depth
        self._changed = changed or Condition()
        self._buffer: deque[Frame] = deque()
        self._error: BaseException | None = None
        self._stopping = False
        self._read = self._dropped = 0
        self._running = False
        self._thread = Thread(target=self._run, name=f"capture {camera.name}", daemon=True)

    def __enter__(self) -> Capture:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def read(self) -> int:
        """How many frames the camera has given."""
        return self._read

    @property
    def dropped(self) -> int:
        """How many frames left the buffer without being taken."""
        return self._dropped

    @property
    def ready(self) -> bool:
        """Whether `take` would return at once: a frame, an error or the end is there."""
        return bool(self._buffer) or not self._running

    def start(self) -> None:
        """Begin to read."""
        self._running = True
        self._thread.start()

    def stop(self) -> None:
        """Stop reading and wait for the thread to end; what is still in the buffer counts as dropped."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join()
        self._dropped += len(self._buffer)
        self._buffer.clear()

    def take(self) -> Frame | None:
        """Wait for the oldest buffered frame; None at the end of the stream. Raises what the camera raised."""
        with self._changed:
            self._changed.wait_for(lambda: self.ready)
            if self._buffer:
                frame = self._buffer.popleft()
                self._changed.notify_all()
                return frame
        if self._error is not None:
            raise self._error
        return None

    def _run(self) -> None:
        try:
            while self._has_room() and (frame := self._camera.read()) is not None:
                self._keep(frame)
        except BaseException as error:  # it is raised again where the frames are taken
            self._error = error
        finally:
            with self._changed:
                self._running = False
                self._changed.notify_all()

    def _has_room(self) -> bool:
        """Wait for room where the camera can wait; False when the capture is being stopped."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopping or self._camera.realtime or len(self._buffer) < self._depth)
            return not self._stopping

    def _keep(self, frame: Frame) -> None:
        with self._changed:
            self._read += 1
            self._buffer.append(frame)
            if len(self._buffer) > self._depth:
                self._buffer.popleft()
                self._dropped += 1
            self._changed.notify_all()
