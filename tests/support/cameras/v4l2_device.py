"""What OpenCV gives of a V4L2 device, on machines that have none: it takes every mode, and gives what it is handed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from coconet.media.pixels import RawPixels


def give_frames(monkeypatch: pytest.MonkeyPatch, frames: Iterable[RawPixels]) -> None:
    """Let the next device that is opened give these frames, and none after them."""
    given, values = iter(frames), dict[int, float]()

    class Device:
        def __init__(self, *_words: Any) -> None:
            """Nothing to open."""

        def isOpened(self) -> bool:  # noqa: N802
            return True

        def set(self, key: int, value: float) -> None:
            values[key] = value

        def get(self, key: int) -> float:
            return values.get(key, 0.0)

        def read(self) -> tuple[bool, RawPixels | None]:
            frame = next(given, None)
            return frame is not None, frame

        def release(self) -> None:
            """Nothing to close."""

    monkeypatch.setattr("cv2.VideoCapture", Device)
