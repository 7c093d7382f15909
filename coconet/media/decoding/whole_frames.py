"""Whole frames: those of a stream that its decoder has no complaint about, and that build on none it has."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any

from coconet.errors import MissingPackage
from coconet.event_log import log_event
from coconet.media.decoding.decoder_choice import DecoderChoice, software_only
from coconet.media.decoding.frame_times import FrameTimes
from coconet.media.decoding.h264_numbers import FrameNumbers
from coconet.media.decoding.stream_decoder import StreamDecoder
from coconet.media.decoding.trial import require_decoder

try:
    import av
    import av.logging
except ImportError as error:
    raise MissingPackage("av", job="reading videos") from error

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

_ONE_THREAD = ("h264", "mpeg2video", "mpeg1video")
"""Codecs whose decoder complains in the thread that decodes a slice: there must be one, for complaints to be heard."""

_SECOND_NS = 10**9


@dataclass(frozen=True)
class Damage:
    """What is wrong with a frame, as a sentence goes on after a colon.

    cause: what the decoder's library says of it, for the log.
    certain: false if the container alone reports a gap, and nothing builds on the frame: where two recordings were
    joined it is so, and the frame may be whole. Also false before the first key frame.
    """

    words: str
    certain: bool = True
    cause: str = ""


_GAP = Damage("a gap in the stream", certain=False)

_HEADLESS = Damage("no key frame yet", certain=False)

_BROKEN_OFF = Damage("the file ends within it")

_UNDECODED = "the decoder finds errors in it"

_GAP_PACKETS = 2  # where a parser cuts a stream into packets, the one before the gap is marked


@dataclass
class _PacketResult:
    """What is found out about a packet; its frame carries it, however much later it comes out.

    group: the number of the key frame that it builds on. leads: whether it is shown before a key frame that ends damage
    or begins the stream, and so may build on what is not there. headless: whether nothing before it could be whole.
    """

    damage: Damage | None
    group: int
    leads: bool = False
    headless: bool = False


@dataclass(frozen=True)
class Outcome:
    """What became of a frame: the decoded frame, None if the decoder gave none, and the damage, None if it is whole.

    time_ns: its presentation time in the file, None if the stream has no times.
    """

    frame: av.VideoFrame | None
    damage: Damage | None
    time_ns: int | None


class WholeFrames:
    """Decodes a stream, packet by packet, and says of every frame whether it is whole.

    A frame is damaged if the decoder reports an error in it, conceals one, or misses a picture that it builds on, if
    the container knows of a gap in it, or if it comes after such a frame and before the next key frame that is whole.
    What builds on a key frame before the first one of the stream is no damage, but cannot be shown either.
    damaged: how many frames were damaged. headless: how many came before the first key frame. hidden: how many were
    decoded only for others that build on them, as the edit list of an MP4 file asks for.
    """

    def __init__(
        self, container: InputContainer, stream: VideoStream, where: str, decoders: DecoderChoice | None = None
    ) -> None:
        """Prepare to decode a stream from which nothing was read; where: its name in the log, without a password.

        decoders: what may decode it; no hardware if None. Raises Refused if the one that was asked for does not work.
        """
        self.damaged = self.headless = self.hidden = 0
        self._container, self._stream, self._where = container, stream, where
        self._broken: Damage | None = None
        self._group = self._tainted = 0
        self._leading_before: int | None = None
        self._gaps_left = 0
        self._packets: Iterator[Any] = iter(())
        self._read = self._struck = 0
        codec: Any = stream.codec_context
        self._numbers = FrameNumbers(codec.extradata) if codec.name == "h264" else None
        stream.thread_type = "SLICE"  # threads by frame hold frames back, and complain about one during another
        if codec.name in _ONE_THREAD:
            codec.thread_count = 1
        codec.copy_opaque = True
        decoders = decoders or software_only()
        require_decoder(decoders, codec.name, (stream.width, stream.height))
        self._decoder = StreamDecoder(stream, where, decoders)

    @property
    def decoded_by(self) -> str:
        """What decodes now: `software`, or the name of a hardware decoder."""
        return self._decoder.name

    def close(self) -> None:
        """Let go of a hardware decoder; a second call does nothing."""
        self._decoder.close()

    def __iter__(self) -> Iterator[Outcome]:
        """Decode to the end. Raises FFmpegError if the container cannot be read on."""
        return self._outcomes(self._container.demux(self._stream))

    def of_stream(self, through: Callable[[Iterator[Any]], Iterator[Any]]) -> Iterator[Outcome]:
        """Decode a live stream to the end; through: hands its packets on, each of them, in their order."""
        return self._outcomes(through(self._container.demux(self._stream)))

    def of_file(self, times: FrameTimes, *, breaks_off: bool) -> Iterator[Outcome]:
        """Decode a file to the end, of which packets are read ahead, as may not be done with a live stream.

        times: looks at the first packets. breaks_off: whether the file ends within a frame, which then is damaged.
        """
        packets: Iterator[Any] = times.leading_to(self._container.demux(self._stream))
        return self._outcomes(_with_end_damaged(packets) if breaks_off else packets)

    def _outcomes(self, packets: Iterator[Any]) -> Iterator[Outcome]:
        self._packets = packets
        for packet in packets:
            self._read += bool(packet.size)
            self.hidden += bool(packet.is_discard)
            # An empty packet asks for the frames that are left.
            fate = self._fate(packet) if packet.size else _PacketResult(None, self._group)
            packet.opaque = fate
            frames, complaint = self._decoder.decode(packet)
            if packet.size:
                if complaint and not (fate.damage and fate.damage.certain):
                    fate.damage = Damage(_UNDECODED, cause=complaint)
                self._book(fate)
            yield from map(self._outcome, frames)
            if complaint and not frames:
                yield Outcome(None, _HEADLESS if fate.headless else fate.damage, time_ns(packet))

    def ends_damaged(self) -> bool:
        """Whether the packet that was damaged last by itself ends the stream; reads on to know, so ask at the end."""
        following = next(self._packets, None)
        return self._struck == self._read and (following is None or not following.size)

    def _fate(self, packet: Any) -> _PacketResult:
        """What is wrong with a packet before it is decoded: a gap in it, or damage that it builds on."""
        if packet.is_corrupt:
            self._gaps_left = _GAP_PACKETS
        damage = _GAP if self._gaps_left else None
        damage = _BROKEN_OFF if packet.opaque is _BROKEN_OFF else damage
        self._gaps_left = max(0, self._gaps_left - 1)
        if self._numbers is not None and self._numbers.skips(bytes(packet)) and not packet.is_keyframe:
            damage = Damage("a picture before it is missing")
        if packet.is_keyframe:
            self._leading_before = packet.pts if self._broken is not None or not self._group else None
            self._group, self._broken = self._group + 1, None
            return _PacketResult(damage, self._group)
        leads = self._leading_before is not None and packet.pts is not None and packet.pts < self._leading_before
        if not leads:
            self._leading_before = None
        if self._broken is not None and damage is not self._broken:
            damage = Damage(self._broken.words)
        if leads and damage is None:
            damage = Damage("no picture that it builds on")
        return _PacketResult(damage, self._group, leads, headless=not self._group or (leads and self._group == 1))

    def _book(self, fate: _PacketResult) -> None:
        if fate.damage is not None and self._broken is None:
            self._struck = self._read
        if fate.headless:
            self.headless += 1
        elif fate.damage is not None:
            self.damaged += 1
            if not fate.leads:
                self._break_off(fate.damage)

    def _outcome(self, frame: Any) -> Outcome:
        """A frame as it comes out; damage may be noticed only now, and then taints what follows up to a key frame."""
        fate = frame.opaque if isinstance(frame.opaque, _PacketResult) else _PacketResult(None, self._group)
        if fate.headless:
            return Outcome(frame, _HEADLESS, time_ns(frame))
        if fate.damage is None and (frame.is_corrupt or fate.group == self._tainted):
            fate.damage = Damage(_UNDECODED)
            self.damaged += 1
            self._tainted = fate.group
            if fate.group == self._group:
                self._break_off(fate.damage)
        return Outcome(frame, fate.damage, time_ns(frame))

    def _break_off(self, damage: Damage) -> None:
        if self._broken is None:
            self._broken = damage
            facts = {"trouble": damage.words, **({"cause": damage.cause} if damage.cause else {})}
            log_event("damage", level=logging.WARNING, camera=self._where, damaged=self.damaged, **facts)


def _with_end_damaged(packets: Iterator[Any]) -> Iterator[Any]:
    """Mark the last packet, before it is handed on, as one of which the file lacks the rest."""
    for packet, following in pairwise(chain(packets, [None])):
        if packet.size and (following is None or not following.size):
            packet.opaque = _BROKEN_OFF
        yield packet


def time_ns(timed: Any) -> int | None:
    """The presentation time of a packet or a frame, in ns; None if it has none."""
    pts: int | None = timed.pts
    base: Fraction | None = timed.time_base
    return None if pts is None or base is None else round(pts * base * _SECOND_NS)
