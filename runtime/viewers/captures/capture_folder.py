"""What lies in the folder of captures: listed, newest first, and looked at as small pictures."""

from __future__ import annotations

import heapq
import os
import re
import stat
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from threading import Lock
from typing import Literal

from coconet.errors import CoconetError
from coconet.media.encoding.jpeg import encode_jpeg
from coconet.media.image import read_visible, resize, visible_levels
from coconet.media.pixels import Pixels
from coconet.media.video import VideoReader
from coconet.runtime.sinks.video_file import STAMP
from coconet.runtime.viewers.rate_limit import RateLimit, TooOften

MOST_LISTED = 60
"""Snapshots and recordings in a list; older ones lie in the folder."""

THUMBNAIL_PX = 192
"""The width of a small picture."""

_QUALITY = 70

_REMEMBERED = 256  # small pictures, of 5 KB each

_LARGEST_MB = 64  # a PNG that is larger is none of ours, and decoding it would take the loop's time

NAME = re.compile(rf"({STAMP})(?:-(fused|visible|infrared)\.png|(?:-\d+|-recovered(?:-\d+)?)?\.mp4)")
"""The files that are listed and given: those that this page writes."""

Kind = Literal["snapshot", "recording"]


@dataclass(frozen=True)
class CaptureFile:
    """A file of a capture. name: in the folder. bytes: how large it is."""

    name: str
    bytes: int


@dataclass(frozen=True)
class Capture:
    """A capture: the pictures of a snapshot, fused first, or the videos of a recording. utc: when, ISO 8601."""

    utc: str
    kind: Kind
    files: tuple[CaptureFile, ...]


@dataclass(frozen=True)
class CaptureList:
    """The newest captures first, and how many more there are."""

    captures: tuple[Capture, ...]
    more: int


class CaptureFolder:
    """Looks at what was written into a folder, which need not be there. Any thread may ask."""

    def __init__(self, folder: Path, now_s: Callable[[], float] = time.monotonic) -> None:
        """Prepare to look. New small pictures are made for a whole list at once, and then five a second."""
        self.folder = folder
        self._making = RateLimit(MOST_LISTED, 0.2, now_s)
        self._small: OrderedDict[tuple[str, int, int], bytes] = OrderedDict()
        self._lock = Lock()  # one at a time: the loop keeps its processors

    def newest(self) -> CaptureList:
        """List them."""
        found: dict[tuple[str, Kind], list[str]] = {}
        with suppress(OSError), os.scandir(self.folder) as entries:
            for entry in entries:
                match = NAME.fullmatch(entry.name)
                if match is not None and entry.is_file(follow_symlinks=False):
                    found.setdefault((match[1], "snapshot" if match[2] else "recording"), []).append(entry.name)
        shown = heapq.nlargest(MOST_LISTED, found)
        captures = (Capture(_utc(stamp), kind, self._files(found[stamp, kind])) for stamp, kind in shown)
        return CaptureList(tuple(kept for kept in captures if kept.files), max(0, len(found) - MOST_LISTED))

    def thumbnail(self, name: str) -> bytes:
        """Give a small picture of a file as JPEG, of a video its first frame.

        Raises CoconetError for what is not there or is no picture, and TooOften for more than a list of new ones at
        once and then five a second.
        """
        path = self._path(name)
        with self._lock:
            try:
                status = path.lstat()
            except OSError as error:
                raise _unknown(name) from error
            key = name, status.st_mtime_ns, status.st_size
            if key in self._small:
                self._small.move_to_end(key)
                return self._small[key]
            if not self._making.take():
                raise TooOften(
                    "captures",
                    wanted="fewer small pictures",
                    got="too many at once",
                    remedy="Wait a moment.",
                    says="were asked for too many small pictures at once",
                )
            large = path.suffix == ".png" and status.st_size > _LARGEST_MB * 2**20
            if large or not stat.S_ISREG(status.st_mode):
                raise _unknown(name)
            self._small[key] = encode_jpeg(_shrunk(_first_picture(path)), _QUALITY)
            if len(self._small) > _REMEMBERED:
                self._small.popitem(last=False)
            return self._small[key]

    def _path(self, name: str) -> Path:
        if NAME.fullmatch(name) is None:
            raise _unknown(name)
        return self.folder / name

    def _files(self, names: list[str]) -> tuple[CaptureFile, ...]:
        kept = []
        for name in sorted(names):  # "fused" comes first
            with suppress(OSError):  # it was deleted meanwhile
                kept.append(CaptureFile(name, (self.folder / name).stat().st_size))
        return tuple(kept)


def _utc(stamp: str) -> str:
    with suppress(ValueError):
        moment = datetime.strptime(stamp, "%Y%m%dT%H%M%S-%fZ").replace(tzinfo=timezone.utc)
        return moment.isoformat(timespec="milliseconds")
    return ""  # digits that are no time


def _first_picture(path: Path) -> Pixels:
    if path.suffix == ".png":
        return read_visible(path)
    with VideoReader(path) as video:
        for frame in video:
            return visible_levels(frame.pixels, path)
    raise _unknown(path.name)


def _shrunk(pixels: Pixels) -> Pixels:
    height, width = pixels.shape[:2]
    return (
        pixels if width <= THUMBNAIL_PX else resize(pixels, THUMBNAIL_PX, max(1, round(height * THUMBNAIL_PX / width)))
    )


def _unknown(name: str) -> CoconetError:
    return CoconetError(
        "captures",
        wanted="a picture or video of this page",
        got=name[:60],
        remedy="Choose one from the list.",
        says=f"have no picture or video called {name[:60]!r}",
    )
