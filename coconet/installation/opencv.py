"""Whether there is OpenCV, for what does without it as well."""

from __future__ import annotations

from functools import cache
from threading import Lock

_LOCK = Lock()


def has_opencv() -> bool:
    """Whether OpenCV is installed and loads; the first call imports it.

    To look for it without that would fail in one thread while another imports it: for a moment its loader has a module
    of that name in the interpreter that does not say where it comes from.
    """
    with _LOCK:
        return _loads()


@cache
def _loads() -> bool:
    try:
        import cv2  # noqa: F401
    except ImportError:
        return False
    return True
