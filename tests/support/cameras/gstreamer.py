"""GStreamer for tests: PyGObject where it is installed, or Debian's, which serves any CPython of its own version."""

from __future__ import annotations

import sys
import tempfile
import warnings
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

DEBIAN = Path("/usr/lib/python3/dist-packages/gi")


def gstreamer_missing() -> str:
    """Make `gi` importable; say in words what is missing, or nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # gi's import hook is of the old kind, and Python says so
        try:
            if find_spec("gi") is None:
                _link_debian()
            gst = import_module("coconet.runtime.cameras.gstreamer").Gst
        except ImportError as error:
            return f"no GStreamer for this Python ({error}): on Debian, apt install python3-gi gir1.2-gstreamer-1.0"
    gst.init(None)
    return "" if gst.ElementFactory.find("videotestsrc") else "no videotestsrc: apt install gstreamer1.0-plugins-base"


def _link_debian() -> None:
    """Put Debian's gi alone on the path; the folder it lies in would bring all of Debian's packages."""
    if not list(DEBIAN.glob(f"_gi.cpython-{sys.version_info[0]}{sys.version_info[1]}-*.so")):
        raise ImportError("no PyGObject of its version")
    folder = Path(tempfile.mkdtemp(prefix="gi-"))
    (folder / "gi").symlink_to(DEBIAN)
    sys.path.append(str(folder))
