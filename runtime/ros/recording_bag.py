"""A recording as an MCAP file: raw images of both cameras with their lenses, which ROS 2 and Foxglove open as well."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from coconet.config import check_fields, toml_fields
from coconet.runtime.frame import Frame, Side
from coconet.runtime.ros.camera_info import info_message, info_topic
from coconet.runtime.ros.epoch_clock import EpochClock
from coconet.runtime.ros.image_message import image_message
from coconet.runtime.ros.mcap_file import McapFile
from coconet.runtime.ros.messages import CAMERA_INFO, IMAGE

if TYPE_CHECKING:
    from coconet.runtime.preprocess.warp import Lens

TOPICS: dict[Side, str] = {"visible": "/visible/image_raw", "infrared": "/infrared/image_raw"}
"""Where the images of each side are."""

RIG_ATTACHMENT = "rig.toml"


class RecordingBag:
    """A bag; its rig.toml is an attachment, and lenses that it names are CameraInfo beside the images."""

    def __init__(self, path: Path) -> None:
        self.path, self._clock = path, EpochClock()
        self._file: McapFile | None = None
        self.lenses: dict[Side, Lens | None] = {}

    def begin(self) -> None:
        """Begin the file under its unfinished name."""
        self._file = McapFile(self.path)

    def side(self, side: Side) -> _SideTopic:
        """A topic of the file."""
        return _SideTopic(self, self._opened, side, self._clock)

    def add_file(self, name: str, text: str) -> None:
        """Attach the rig file, whose lenses are written with the first image."""
        from coconet.runtime.rig.rig_file import Rig

        self._opened.attach(name, text)
        alignment = check_fields(Rig, toml_fields(text, Path(name)), name).alignment
        self.lenses = {"visible": alignment.visible_lens, "infrared": alignment.infrared_lens}

    def keep(self) -> None:
        """Finish the file and give it its name."""
        self._opened.close()

    def remove(self) -> None:
        """Leave nothing: there is no message in the file."""
        self._opened.abandon()

    def end(self) -> None:
        """Leave a file that was not kept under its unfinished name."""
        if self._file is not None:
            self._file.abandon()

    @property
    def _opened(self) -> McapFile:
        if self._file is None:
            raise RuntimeError("begin comes first")
        return self._file


class _SideTopic:
    def __init__(self, bag: RecordingBag, file: McapFile, side: Side, clock: EpochClock) -> None:
        self._bag, self._file, self._side, self._clock = bag, file, side, clock
        self._told_lens = False

    def write(self, frame: Frame, _time_ns: int) -> None:
        time_ns, topic = self._clock.time_ns(frame, frame.timestamp_ns), TOPICS[self._side]
        message = image_message(frame.pixels, time_ns, self._side)
        self._file.write(topic, IMAGE, message, time_ns, frame.index)
        lens = self._bag.lenses.get(self._side)
        if lens is not None and not self._told_lens:
            size_px = (frame.pixels.shape[1], frame.pixels.shape[0])
            info = info_message(lens, size_px, time_ns, self._side)
            self._file.write(info_topic(topic), CAMERA_INFO, info, time_ns)
            self._told_lens = True

    def finish(self) -> None:
        """The file is finished for both sides at once."""

    def abandon(self) -> None:
        """The file is left for both sides at once."""
