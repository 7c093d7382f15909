"""A camera read in a thread of its own: its newest frames, how it is, and how it comes back after it was lost."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import Condition, Lock

from coconet.errors import CoconetError, ExitCode, ending_with
from coconet.runtime.cameras.camera import Camera, damaged_frames, decoder_of, reads_on
from coconet.runtime.frame import Frame
from coconet.runtime.pairing.camera_health import CameraHealth, HealthWatch
from coconet.runtime.threads.queue_thread import Bounds, QueueThread, filling

_MOST_NAMED = 20  # of the pictures that cannot be read: a run may last for weeks


@dataclass(frozen=True)
class Recovery:
    """How a camera that fails is opened again: after first_wait_s, then after twice as long, up to longest_wait_s."""

    reopen: Callable[[], Camera]
    first_wait_s: float = 0.25
    longest_wait_s: float = 2.0


@dataclass(frozen=True)
class CaptureOptions:
    """What a live camera gets besides being read.

    watch: notes every frame and every loss. recovery: opens the camera again when it fails or its connection ends;
    without it an error is raised by `take`, and an end is the end. clock: gives the time in ns, like time.monotonic_ns.
    """

    watch: HealthWatch
    recovery: Recovery | None = None
    clock: Callable[[], int] = time.monotonic_ns


class Capture(QueueThread[Frame]):
    """Reads a camera ahead, into a queue of at most `depth` frames.

    A realtime camera is never kept waiting: when the queue is full, its oldest frame is dropped and counted. Any
    other camera waits for room, so that no frame is lost. As a context manager it reads inside the block; the camera
    stays open after it, until `close`.
    """

    def __init__(
        self,
        camera: Camera,
        depth: int,
        changed: Condition | None = None,
        care: CaptureOptions | None = None,
    ) -> None:
        """Prepare to read `camera`; captures that share `changed` can be waited for together.

        Without `care` nothing watches the camera and nothing opens it again.
        """
        bounds = Bounds(depth, "drop oldest" if camera.realtime else "wait")
        super().__init__(lambda _: self._read_all(), bounds, f"capture {camera.name}", changed)
        self._camera: Camera | None = camera
        self._lock = Lock()
        self._reading = self._closing = False
        self._damaged_before, self._decoded_by = 0, ""
        self._unreadable: list[str] = []
        self._care, self._recovery = care, None if care is None else care.recovery

    def health(self) -> CameraHealth | None:
        """How the camera is now; None if nothing watches it."""
        if self._care is None:
            return None
        seen = self._care.watch.snapshot(self._care.clock())
        return replace(seen, dropped=self.dropped, damaged=self.damaged)

    @property
    def damaged(self) -> int:
        """How many frames the camera left out as torn, undecodable or unreadable, over all of its connections."""
        return self._damaged_before + damaged_frames(self._camera)

    @property
    def unreadable(self) -> tuple[str, ...]:
        """Of pictures of a live camera that could not be read: the first ones, each with the reason."""
        return tuple(self._unreadable)

    @property
    def decoded_by(self) -> str:
        """What decodes the camera's frames, or did before it was closed; empty if nothing is decoded."""
        return decoder_of(self._camera) or self._decoded_by

    @property
    def read(self) -> int:
        """How many frames the camera has given."""
        return self.entered

    def start(self) -> None:
        """Begin to read; once."""
        self._reading = True
        super().start()

    def close(self) -> None:
        """Close the camera; only after `stop`. While a read is stuck in the camera, it is closed once that returns."""
        with self._lock:
            self._closing, reading = True, self._reading
        if not reading:
            self._close_camera()

    def _read_all(self) -> None:
        try:
            filling(self._next)(self)
        finally:
            with self._lock:
                self._reading, closing = False, self._closing
            if closing:
                self._close_camera()

    def _close_camera(self) -> None:
        camera, self._camera = self._camera, None
        self._damaged_before += damaged_frames(camera)
        self._decoded_by = decoder_of(camera) or self._decoded_by
        if camera is not None:
            camera.close()

    def _next(self) -> Frame | None:
        frame = self._readable()
        while frame is None and self._recovery is not None and self._reopen(self._recovery):
            frame = self._readable()
        if frame is not None and self._care is not None:
            self._care.watch.note(frame, self._care.clock())
        return frame

    def _readable(self) -> Frame | None:
        """The next frame; a live camera's picture that cannot be read is left out, as if it had not come."""
        frame = self._frame()
        while frame is not None and frame.misfit is not None and self._care is not None:
            self._damaged_before += 1
            if len(self._unreadable) < _MOST_NAMED:
                self._unreadable.append(f"{frame.name or f'frame {frame.index}'}: {frame.misfit}")
            if not self.pause(0):
                return None
            frame = self._frame()
        return frame

    def _frame(self) -> Frame | None:
        if self._camera is None:
            return None
        try:
            with ending_with(ExitCode.CAMERA):
                frame = self._camera.read()
        except CoconetError as error:
            if self._recovery is None:
                raise
            self._note_loss(str(error))
            return None
        if frame is None and reads_on(self._camera):
            self._recovery = None
        elif frame is None and self._recovery is not None:
            self._note_loss(f"{self._camera.name} ended")
        return frame

    def _reopen(self, recovery: Recovery) -> bool:
        """Open the camera again, however often it takes; False when the capture is being stopped."""
        if reads_on(self._camera):
            return self.pause(recovery.first_wait_s)
        self._close_camera()
        wait_s = recovery.first_wait_s
        while self.pause(wait_s):
            if self._opens(recovery):
                return True
            wait_s = min(2 * wait_s, recovery.longest_wait_s)
        return False

    def _opens(self, recovery: Recovery) -> bool:
        try:
            self._camera = recovery.reopen()
        except CoconetError as error:
            self._note_loss(str(error))
            return False
        return True

    def _note_loss(self, trouble: str) -> None:
        if self._care is not None:
            self._care.watch.note_loss(trouble)
        with self._changed:
            self._changed.notify_all()
