"""A recording as an MCAP file: raw images of both cameras with their lenses, which ROS 2 and Foxglove open as well."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from coconet.config import check_fields, toml_fields
from coconet.runtime.clock import EpochClock
from coconet.runtime.frame import Frame, Side
from coconet.runtime.ros.camera_info import info_topic
from coconet.runtime.ros.image_message import image_message
from coconet.runtime.ros.known_info import KnownInfo
from coconet.runtime.ros.mcap_file import McapFile
from coconet.runtime.ros.messages import CAMERA_INFO, IMAGE

if TYPE_CHECKING:
    from coconet.runtime.preprocess.fit import SizePx

TOPICS: dict[Side, str] = {"visible": "/visible/image_raw", "infrared": "/infrared/image_raw"}
"""Where the images of each side are."""


class RecordingBag:
    """A bag; its rig.toml is an attachment, and lenses that it names are CameraInfo beside the images."""

    def __init__(self, path: Path, infos: Mapping[Side, KnownInfo] | None = None) -> None:
        """infos: what is known of the lenses before the first image, rather than by the rig file that is added."""
        self.path, self._clock = path, EpochClock()
        self._file: McapFile | None = None
        self._topics: list[_SideTopic] = []
        self.infos: dict[Side, KnownInfo] = dict(infos or {})

    def begin(self) -> None:
        """Begin the file under its unfinished name."""
        self._file = McapFile(self.path)

    def side(self, side: Side) -> _SideTopic:
        """A topic of the file."""
        topic = _SideTopic(self, self._open_file, side, self._clock)
        self._topics.append(topic)
        return topic

    def add_file(self, name: str, text: str) -> None:
        """Attach the rig file; lenses that only it tells are written with the next images, or at the end."""
        from coconet.runtime.rig.rig_file import Rig

        self._open_file.attach(name, text)
        alignment = check_fields(Rig, toml_fields(text, Path(name)), name).alignment
        told: dict[Side, KnownInfo] = {
            "visible": KnownInfo(alignment.visible_lens),
            "infrared": KnownInfo(alignment.infrared_lens),
        }
        self.infos = {**told, **self.infos}

    def keep(self) -> None:
        """Finish the file and give it its name."""
        for topic in self._topics:
            topic.tell_lens()
        self._open_file.close()

    def remove(self) -> None:
        """Leave nothing: there is no message in the file."""
        self._open_file.abandon()

    def end(self) -> None:
        """Leave a file that was not kept under its unfinished name."""
        if self._file is not None:
            self._file.abandon()

    @property
    def _open_file(self) -> McapFile:
        if self._file is None:
            raise RuntimeError("begin comes first")
        return self._file


class _SideTopic:
    def __init__(self, bag: RecordingBag, file: McapFile, side: Side, clock: EpochClock) -> None:
        self._bag, self._file, self._side, self._clock = bag, file, side, clock
        self._told, self._place = False, str(side)
        self._last: tuple[SizePx, int] | None = None

    def write(self, frame: Frame, _time_ns: int) -> None:
        time_ns, topic = self._clock.time_ns(frame), TOPICS[self._side]
        self._place = frame.frame_id or self._side
        message = image_message(frame.pixels, time_ns, self._place)
        self._file.write(topic, IMAGE, message, time_ns, frame.index)
        self._last = (frame.pixels.shape[1], frame.pixels.shape[0]), time_ns
        self._tell(frame.index)

    def tell_lens(self) -> None:
        """Write a lens that was not known before the last image, at the time of that."""
        if not self._told:
            self._tell(0)

    def _tell(self, sequence: int) -> None:
        """Write what is known of the lens at the time of the last image: others look for one at its stamp."""
        known = self._bag.infos.get(self._side)
        if known is None or self._last is None:
            return
        info = known.message(*self._last, self._place)
        if info is not None:
            self._file.write(info_topic(TOPICS[self._side]), CAMERA_INFO, info, self._last[1], sequence)
            self._told = True

    def finish(self) -> None:
        """The file is finished for both sides at once."""

    def abandon(self) -> None:
        """The file is left for both sides at once."""
