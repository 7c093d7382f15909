"""Recordings as cameras: a video file, a folder of pictures, and either of them at its own pace."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

import numpy as np

from coconet.errors import CoconetError
from coconet.media.pairs import pictures_in
from coconet.media.pixels import RawPixels, as_gray
from coconet.runtime.cameras.camera import Camera
from coconet.runtime.frame import Frame

SECOND_NS = 10**9


class VideoCamera:
    """A video file; the stamps are its presentation times. frames_expected: from the file's header, if it tells."""

    realtime = False

    def __init__(self, path: Path, *, gray: bool = False) -> None:
        """Open a video; with `gray` (an infrared camera) frames are its luma plane, (H, W, 1), otherwise (H, W, 3) BGR.

        Raises CoconetError for what is no video.
        """
        from coconet.media.video import VideoReader

        self.name = str(path)
        self._reader = VideoReader(path, gray=gray)
        self.frames_expected = self._reader.frame_count
        self._frames = enumerate(self._reader)

    def read(self) -> Frame | None:
        """Decode the next frame. Raises CoconetError where the file is damaged or cut off."""
        index, frame = next(self._frames, (0, None))
        return None if frame is None else Frame(frame.pixels, frame.timestamp_ns, index)

    def close(self) -> None:
        """Close the file."""
        self._reader.close()


class FolderCamera:
    """The pictures of a folder in the order of their names, stamped as if taken at a fixed rate."""

    realtime = False

    def __init__(self, folder: Path, *, fps: float = 30.0, gray: bool = False) -> None:
        """List the pictures; with `gray` (an infrared camera) coloured ones are reduced to their luma.

        Raises CoconetError where there is no folder or no picture.
        """
        self.name = str(folder)
        self._pictures = pictures_in(folder)
        self._fps, self._gray, self._next = fps, gray, 0
        self.frames_expected = len(self._pictures)

    def read(self) -> Frame | None:
        """Read the next picture; `Frame.name` is its file name. Raises CoconetError for a file that is no picture."""
        if self._next == len(self._pictures):
            return None
        path, index = self._pictures[self._next], self._next
        self._next += 1
        return Frame(self._pixels(path), round(index * SECOND_NS / self._fps), index, path.name)

    def close(self) -> None:
        """Forget the pictures that are left."""
        self._next = len(self._pictures)

    def _pixels(self, path: Path) -> RawPixels:
        from coconet.media.image import read_picture

        pixels = read_picture(path)
        if self._gray:
            return as_gray(pixels)
        if pixels.dtype != np.uint8:
            raise CoconetError(
                path, wanted="8 bit visible pictures", got="16 bit samples", remedy="Convert the folder to 8 bit first."
            )
        return pixels


class Pace:
    """The zero of time of cameras that are replayed together: the moment when the first of them is first read."""

    def __init__(self) -> None:
        self._starts: list[int] = []

    def start_ns(self) -> int:
        """Return the zero, in nanoseconds of time.monotonic_ns()."""
        if not self._starts:
            self._starts.append(time.monotonic_ns())
        return self._starts[0]  # the same for all, even where two threads came first together


class PacedCamera:
    """Stands in for a live camera: gives the frames of a recording when their time has come, stamped with that time."""

    realtime = True

    def __init__(self, camera: Camera, pace: Pace) -> None:
        """Replay `camera`; two cameras that belong together share one `pace`."""
        self.name = camera.name
        self._camera, self._pace = camera, pace

    def read(self) -> Frame | None:
        """Wait for the next frame's time."""
        frame = self._camera.read()
        if frame is None:
            return None
        due_ns = self._pace.start_ns() + frame.timestamp_ns
        time.sleep(max(0, due_ns - time.monotonic_ns()) / SECOND_NS)
        return dataclasses.replace(frame, timestamp_ns=due_ns)

    def close(self) -> None:
        """Close the recording."""
        self._camera.close()
