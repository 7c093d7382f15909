"""A topic of a bag as a camera: its images, stamped by their headers to the nanosecond."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from itertools import chain, islice
from typing import Any

from coconet.errors import CoconetError
from coconet.event_log import note_once, warn_once
from coconet.media.image import visible_levels
from coconet.media.naming.bag_names import BagAddress
from coconet.media.palettes.recognition import InfraredGray
from coconet.runtime.cameras.camera import Camera
from coconet.runtime.frame import Frame
from coconet.runtime.preprocess.warp import Lens
from coconet.runtime.ros.bag import CutOff
from coconet.runtime.ros.camera_info import info_topic, lens_of
from coconet.runtime.ros.image_message import encoding_of, pixels_of
from coconet.runtime.ros.known_info import KnownInfo
from coconet.runtime.ros.messages import frame_id_of, stamp_of
from coconet.runtime.ros.open_bag import open_bag, topic_named

_LOOKED_AT = 5  # messages, to know whether headers have stamps: a driver may send its first before it knows the time


class BagCamera:
    """The images of a topic. Their stamps are those of the headers, or, without any, the times of recording.

    A single header without a stamp gets that of its recording, moved as far as the others are from theirs.

    own_clock: stamps of a bag have nothing to do with those of a video, but topics of bags share a clock (bag_clock).
    damaged: how many frames were left out, if so it was asked for. codec: the encoding, once a frame was read.
    """

    realtime, own_clock, bag_clock = False, True, True

    def __init__(
        self, address: BagAddress, *, gray: bool = False, palette: str = "auto", leaves_out_damage: bool = False
    ) -> None:
        """Open a bag; `gray`: an infrared camera, whose frames are (H, W, 1), colours turned back as `palette` says.

        leaves_out_damage: whether damaged messages, and an end that comes too early, are counted instead of raised.
        Raises CoconetError for what is no bag and for a topic without messages, Refused, with the topics that there
        are, for another topic.
        """
        self._bag = open_bag(address.path)
        try:
            topic = topic_named(self._bag, address)
            if topic.count == 0:
                raise _no_messages(BagAddress(address.path, topic.name))
        except BaseException:
            self._bag.close()
            raise
        self.name, self.codec = str(BagAddress(address.path, topic.name)), ""
        self.frames_expected, self.damaged = topic.count, 0
        self._infrared = InfraredGray(palette, self.name, follows=True) if gray else None
        self._leaves_out, self._index = leaves_out_damage, 0
        self._by_header: bool | None = None
        self._recorded_later_ns = 0
        self._messages = self._bag.messages(topic.name, self._at_damage)
        self._first: Frame | None = None

    @property
    def by_header(self) -> bool | None:
        """Whether headers say the times; None of a topic without messages. Raises what `read` raises."""
        if self._by_header is None:
            ahead = list(islice(self._messages, _LOOKED_AT))
            self._messages = chain(ahead, self._messages)
            later = [recorded_ns - stamp_of(message) for recorded_ns, message in ahead if stamp_of(message)]
            self._by_header = bool(later) if ahead else None
            self._recorded_later_ns = later[0] if later else 0
            if self._by_header is False:
                note_once(f"{self.name}: its headers have no stamps, so the times of recording are taken.")
        return self._by_header

    def go_by_recording(self) -> None:
        """Take the times of recording, whatever the headers say; before the first frame only."""
        self._by_header, self._recorded_later_ns = False, 0

    def peek(self) -> list[Frame]:
        """The first frame, which `read` gives all the same; before the first `read` only."""
        self._first = self._first or self._next()
        return [] if self._first is None else [self._first]

    def read(self) -> Frame | None:
        """The next frame; None at the end. Raises CoconetError if the bag is damaged or cut off."""
        frame, self._first = self._first or self._next(), None
        return frame

    def close(self) -> None:
        """Close the bag."""
        self._bag.close()

    def _next(self) -> Frame | None:
        self._by_header = self.by_header
        frames = (self._frame(recorded_ns, message) for recorded_ns, message in self._messages)
        return next((frame for frame in frames if frame is not None), None)

    def _frame(self, recorded_ns: int, message: Any) -> Frame | None:
        """A message as a frame; None for one that is damaged, if those are left out."""
        stamp_ns = stamp_of(message) if self._by_header else 0
        if stamp_ns:
            self._recorded_later_ns = recorded_ns - stamp_ns
        self.codec = self.codec or encoding_of(message)
        try:
            samples = pixels_of(message, self.name)
            if self._infrared is None:
                samples = visible_levels(samples, self.name)
        except CoconetError as error:
            self._at_damage(error)
            return None
        stamp_ns, index = stamp_ns or recorded_ns - self._recorded_later_ns, self._index
        self._index += 1
        place = frame_id_of(message)
        if self._infrared is None:
            return Frame(samples, stamp_ns, index, frame_id=place)
        return Frame(self._infrared(samples), stamp_ns, index, palette=self._infrared.used, frame_id=place)

    def _at_damage(self, error: CoconetError) -> None:
        if not self._leaves_out:
            raise error
        self.damaged += 1
        if isinstance(error, CutOff):
            warn_once(f"{error.where} {error.says}. What comes before is taken.")


def _no_messages(address: BagAddress) -> CoconetError:
    return CoconetError(
        address,
        wanted="a topic with messages",
        got="none",
        remedy="Look whether its camera ran while the bag was recorded, or name another topic.",
        says="holds no messages",
    )


def share_clock(visible: Camera, infrared: Camera) -> None:
    """Let two topics go by one clock: where only one has stamps in its headers, both by the times of recording."""
    if not (isinstance(visible, BagCamera) and isinstance(infrared, BagCamera)):
        return
    if {visible.by_header, infrared.by_header} == {True, False}:
        without, other = (infrared, visible) if visible.by_header else (visible, infrared)
        other.go_by_recording()
        warn_once(
            f"{other.name} goes by the times of recording too, as {without.name} has no stamps in its headers: two "
            "clocks would pair the wrong pictures. Let the driver of that stamp its headers."
        )


def topic_lens(address: BagAddress) -> Lens | None:
    """The lens that the CameraInfo beside an image topic describes; None without one. Raises what topic_info raises."""
    known = topic_info(address)
    return None if known is None else lens_of(known.recorded, known.image_topic)


def topic_info(address: BagAddress) -> KnownInfo | None:
    """The first CameraInfo beside an image topic; None without one.

    Raises CoconetError for what is no bag, and for a topic that it does not have.
    """
    with closing(open_bag(address.path)) as bag:
        topic = topic_named(bag, address).name
        if info_topic(topic) not in {one.name for one in bag.topics}:
            return None
        found = (info for _, info in _first_only(bag, info_topic(topic)))
        return next((KnownInfo(recorded=info, image_topic=topic) for info in found), None)


def _first_only(bag: Any, topic: str) -> Iterator[tuple[int, Any]]:
    def refuse(error: CoconetError) -> None:
        raise error

    yield from bag.messages(topic, refuse)
