"""Recordings as cameras: a video file, a folder of pictures, and either of them at its own pace."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from coconet.errors import CoconetError
from coconet.event_log import warn_once
from coconet.media.decoding.decoder import DecoderName
from coconet.media.naming.picture_folder import pictures_in
from coconet.media.pixels import RawPixels
from coconet.media.thermal_settings import ThermalSettings
from coconet.runtime.cameras.camera import Camera, damaged_frames, decoder_of, skipper_of
from coconet.runtime.clock import counts_from_1970, started_ns
from coconet.runtime.frame import STILL, Frame, StampKind

if TYPE_CHECKING:
    from coconet.media.image import InfraredStills

SECOND_NS = 10**9

_MOST_OVERDUE_NS = SECOND_NS // 4

_FAR_OVERDUE_NS = SECOND_NS  # a file that is this late is decoded more slowly than it plays

FOLDER_FPS = 30.0
"""At which the pictures of a folder are stamped if nothing else is said."""


class VideoCamera:
    """A video file; the stamps are its presentation times. frames_expected: from the file's header, if it tells.

    own_clock: these times may begin anywhere, and have nothing to do with those of another file.
    damaged: how many frames were left out because they, or what they build on, do not decode whole.
    """

    realtime, own_clock = False, True

    def __init__(
        self,
        path: Path,
        *,
        gray: bool = False,
        palette: str = "auto",
        leaves_out_damage: bool = False,
        decoder: DecoderName = "auto",
    ) -> None:
        """Open a video; with `gray` (an infrared camera) frames are (H, W, 1), otherwise (H, W, 3) BGR.

        Gray samples of more than 8 bits are counts. palette: as ThermalSettings has it. leaves_out_damage: whether
        damaged frames are counted instead of raised. decoder: hardware if it is named; `auto` is software, as that
        alone reports every damage.
        Raises CoconetError for what is no video.
        """
        from coconet.media.decoding.decoder_choice import shared_choice
        from coconet.media.video import VideoReader

        self.name = str(path)
        decoders = None if decoder == "auto" else shared_choice(decoder)
        self._reader = VideoReader(
            path, gray=gray, palette=palette, leaves_out_damage=leaves_out_damage, decoders=decoders
        )
        self.frames_expected, self.codec = self._reader.frame_count, self._reader.codec
        self._frames = enumerate(self._reader)

    def read(self) -> Frame | None:
        """Decode the next frame. Raises CoconetError if the file is damaged or cut off."""
        index, frame = next(self._frames, (0, None))
        return None if frame is None else Frame(frame.pixels, frame.timestamp_ns, index, palette=frame.palette)

    @property
    def damaged(self) -> int:
        """How many frames were left out so far."""
        return self._reader.damaged

    @property
    def decoded_by(self) -> str:
        """What decodes now: `software`, or the name of a hardware decoder."""
        return self._reader.decoded_by

    def close(self) -> None:
        """Close the file."""
        self._reader.close()


@dataclass(frozen=True)
class Pictures:
    """The pictures of one side, each with the name that its frame is to have.

    gives_misfits: whether a file that is no picture is given as a frame with a misfit, rather than raised.
    """

    paths: Sequence[Path]
    names: Sequence[str]
    gives_misfits: bool = False

    @classmethod
    def of_folder(cls, folder: Path) -> Pictures:
        """All of a folder, by name; names hold sub-folders too. Raises CoconetError if there is no picture."""
        paths = pictures_in(folder)
        return cls(paths, ["_".join(path.relative_to(folder).parts) for path in paths])


class FolderCamera:
    """Pictures in the order of their names, stamped as if taken at a fixed rate.

    They are stills, which have nothing to do with each other (Frame.stamps), unless a rate is given: then a video.
    rate_said: whether one is.
    """

    realtime = False

    def __init__(
        self,
        folder: Path,
        *,
        fps: float | None = None,
        gray: bool = False,
        palette: str = "auto",
        pictures: Pictures | None = None,
    ) -> None:
        """List the pictures of a folder, or take those given; with `gray` (an infrared camera) they become gray.

        palette: as ThermalSettings has it. Raises CoconetError if there is no folder or no picture.
        """
        from coconet.media.image import InfraredStills

        self.name = str(folder)
        self._pictures = pictures or Pictures.of_folder(folder)
        self._fps, self.rate_said = fps or FOLDER_FPS, fps is not None
        self._stamps: StampKind = "recording" if fps else STILL
        self._infrared = InfraredStills(ThermalSettings(palette=palette)) if gray else None
        self._next = 0
        self.frames_expected = len(self._pictures.paths)

    def read(self) -> Frame | None:
        """Read the next picture; `Frame.name` is its file name. Raises CoconetError for a file that is no picture."""
        if self._next == len(self._pictures.paths):
            return None
        path, index = self._pictures.paths[self._next], self._next
        self._next += 1
        pixels, misfit = self._picture(path)
        stamp_ns = round(index * SECOND_NS / self._fps)
        name = self._pictures.names[index]
        frame = Frame(pixels, stamp_ns, index, name, stamps=self._stamps, misfit=misfit)
        return _as_read(frame, self._infrared)

    def close(self) -> None:
        """Forget the pictures that are left."""
        self._next = len(self._pictures.paths)

    def _picture(self, path: Path) -> tuple[RawPixels, CoconetError | None]:
        try:
            return self._pixels(path), None
        except CoconetError as error:
            if not self._pictures.gives_misfits:
                raise
            return np.zeros((1, 1, 1), np.uint8), error

    def _pixels(self, path: Path) -> RawPixels:
        from coconet.media.image import read_visible

        return self._infrared.samples(path) if self._infrared else read_visible(path)


class PagesCamera:
    """A picture file as a camera: its one picture, or the pages of a TIFF file as the frames of a video.

    rate_said: whether a rate is given, in place of FOLDER_FPS.
    """

    realtime = False

    def __init__(self, path: Path, *, fps: float | None = None, gray: bool = False, palette: str = "auto") -> None:
        """Read all pages; the other arguments are those of FolderCamera. Raises CoconetError for what is no picture."""
        from coconet.media.image import InfraredStills, visible_pages

        self.name, self._fps, self.rate_said = str(path), fps or FOLDER_FPS, fps is not None
        self._infrared = InfraredStills(ThermalSettings(palette=palette)) if gray else None
        self._pages: list[RawPixels] = self._infrared.pages(path) if self._infrared else [*visible_pages(path)]
        self._stamps: StampKind = STILL if len(self._pages) == 1 else "recording"
        self._file, self._next, self.frames_expected = path.name, 0, len(self._pages)

    def read(self) -> Frame | None:
        """The next page."""
        if self._next == len(self._pages):
            return None
        index, self._next = self._next, self._next + 1
        name = self._file if len(self._pages) == 1 else ""
        stamp_ns = round(index * SECOND_NS / self._fps)
        return _as_read(Frame(self._pages[index], stamp_ns, index, name, stamps=self._stamps), self._infrared)

    def close(self) -> None:
        """Forget the pages that are left."""
        self._next = len(self._pages)


def _as_read(frame: Frame, infrared: InfraredStills | None) -> Frame:
    """The frame with what was found when its infrared picture was read."""
    if infrared is None:
        return frame
    return dataclasses.replace(
        frame, palette=infrared.palette, emissivity=infrared.emissivity, distance_m=infrared.distance_m
    )


class Pace:
    """The zero of time of cameras that are replayed together: the moment when the first of them is first read.

    epoch_ns: when the monotonic clock was at 0, since 1970.
    """

    def __init__(self, first_ns: int = 0) -> None:
        """first_ns: the stamp that this moment belongs to; files may begin with any."""
        self._starts: list[int] = []
        self._first_ns, self.epoch_ns = first_ns, started_ns()

    def start_ns(self) -> int:
        """Return the zero, in nanoseconds of time.monotonic_ns()."""
        if not self._starts:
            self._starts.append(time.monotonic_ns() - self._first_ns)
        return self._starts[0]  # the same for all, even where two threads came first together


class PacedCamera:
    """Stands in for a live camera: gives the frames of a recording when their time has come, stamped with that time.

    Others are told the stamps of headers all the same, by which they know the frames; those of other recordings become
    the time since 1970 at which they were replayed (Frame.zero_ns).
    """

    realtime = True

    def __init__(self, camera: Camera, pace: Pace) -> None:
        """Replay `camera`; two cameras that belong together share one `pace`."""
        self.name = camera.name
        self._camera, self._pace, self._skip_to = camera, pace, skipper_of(camera)
        self._keeps_stamps = bool(getattr(camera, "bag_clock", False))

    def read(self) -> Frame | None:
        """Wait for the next frame's time.

        An endless synthetic camera leaves out what is overdue, as a camera does that nobody reads: on a machine that is
        too slow for it, its pictures would be older and older.
        """
        if self._skip_to is not None:
            self._skip_to(time.monotonic_ns() - self._pace.start_ns() - _MOST_OVERDUE_NS)
        frame = self._camera.read()
        if frame is None:
            return None
        start_ns = self._pace.start_ns()
        due_ns = start_ns + frame.timestamp_ns
        early_ns = due_ns - time.monotonic_ns()
        if early_ns < -_FAR_OVERDUE_NS:
            warn_once(
                f"{self.name} is read more than a second later than it plays; its frames may miss those of the other "
                "side: this machine decodes it too slowly, or has other work. Without a page or window every frame is "
                "waited for."
            )
        time.sleep(max(0, early_ns) / SECOND_NS)
        kept = self._keeps_stamps or counts_from_1970(frame.timestamp_ns)
        return dataclasses.replace(frame, timestamp_ns=due_ns, zero_ns=-start_ns if kept else self._pace.epoch_ns)

    @property
    def damaged(self) -> int:
        """How many frames the recording has left out."""
        return damaged_frames(self._camera)

    @property
    def decoded_by(self) -> str:
        """What decodes the recording."""
        return decoder_of(self._camera)

    def close(self) -> None:
        """Close the recording."""
        self._camera.close()
