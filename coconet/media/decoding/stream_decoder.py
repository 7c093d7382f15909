"""The decoder of one stream: software at first, and hardware once it has given the same pictures of that stream."""

from __future__ import annotations

import hashlib
import logging
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from coconet.errors import MissingPackage
from coconet.event_log import log_event
from coconet.media.decoding.decoder import HardwareDecoder
from coconet.media.decoding.decoder_choice import DecoderChoice
from coconet.media.decoding.open_decoder import open_decoder
from coconet.media.decoding.packet_decoder import DecodingFailed, PacketDecoder, rows_of

try:
    import av
    import av.logging
    from av.error import EOFError as NoMoreFrames
    from av.error import FFmpegError
except ImportError as error:
    raise MissingPackage("av", job="reading videos") from error

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.stream import VideoStream

SOFTWARE = "software"

ALIKE = 4
"""How many pictures of a stream a hardware decoder has to give as software does, sample by sample."""

_MOST_UNSEEN = 40
"""Packets after which a decoder that has not given as many pictures is given up."""

_MOST_KEPT = 600
"""Packets that are kept for software to begin again with; a stream has a key frame more often."""

_LAYOUTS = ("yuv420p", "yuvj420p", "nv12")

_NO_PICTURE = re.compile(r"\bSEI\b|\bAPP|\bCOM\b|\bEOI\b|mmco: unref short|co located POCs|ICC|Exif", re.IGNORECASE)
"""Complaints about what lies beside the picture, and those that usual cameras cause."""


@dataclass
class _Trial:
    """A decoder that runs beside software. marks: of the pictures that only one of the two has given yet, by pts."""

    candidate: HardwareDecoder
    decoder: PacketDecoder
    marks: tuple[dict[int | None, bytes], dict[int | None, bytes]] = field(default_factory=lambda: ({}, {}))
    alike: int = 0
    packets: int = 0


class StreamDecoder:
    """Gives the frames of a stream's packets, each with the `opaque` of its packet, and what the decoder complains of.

    Hardware is tried from the second key frame on: it gets the packets that software gets, and what software gives is
    taken, until both have given ALIKE pictures that are the same. If it fails later, software decodes what has come
    since the last key frames, and goes on; no picture is lost. name: which one decodes now.
    """

    def __init__(self, stream: VideoStream, where: str, choice: DecoderChoice) -> None:
        """stream: from which nothing was read; where: its name in the log, without a password."""
        forward_decoder_logs()
        self.name: str = SOFTWARE
        self._where, self._choice = where, choice
        self._software: Any = stream.codec_context
        self._stream, self._codec = stream, str(stream.codec_context.codec.name)
        self._shown: av.VideoFrame | None = None
        self._trial: _Trial | None = None
        self._taken: tuple[HardwareDecoder, PacketDecoder] | None = None
        self._kept: list[list[Packet[VideoStream]]] = [[], []]
        self._given: set[int | None] = set()
        self._settled = not choice.candidates_for(self._codec)
        if self._settled:
            self._say_taken()

    def decode(self, packet: Packet[VideoStream]) -> tuple[list[av.VideoFrame], str]:
        """The frames that come out when a packet goes in, and the decoder's first complaint; empty if it has none."""
        if self._settled and self._taken is None:
            return self._by_software(packet)
        self._keep(packet)
        if self._taken is not None:
            frames, complaint = self._by_hardware(packet, *self._taken)
        else:
            frames, complaint = self._by_software(packet)
            self._try_beside(packet, frames, complaint)
            self._shown = frames[-1] if frames else self._shown
        self._given.update(frame.pts for frame in frames)
        return frames, complaint

    def close(self) -> None:
        """Let go of the hardware; a second call does nothing."""
        self._give_up_trial()
        taken, self._taken, self._settled = self._taken, None, True
        if taken is not None:
            taken[1].close()

    def _keep(self, packet: Packet[VideoStream]) -> None:
        """Keep what has come since the key frame before the last one: what builds on it may still come out."""
        if packet.is_keyframe or len(self._kept[-1]) >= _MOST_KEPT:
            self._kept = [self._kept[-1], []]
            self._given &= {one.pts for one in self._kept[0]}
        self._kept[-1].append(packet)

    def _by_software(self, packet: Packet[VideoStream]) -> tuple[list[av.VideoFrame], str]:
        frames: list[av.VideoFrame] = []
        failure = ""
        with av.logging.Capture() as heard:
            try:
                frames = list(self._software.decode(packet))
            except NoMoreFrames:
                pass
            except FFmpegError as error:
                failure = str(error.strerror)
        return frames, _complaint(heard) or failure

    def _by_hardware(
        self, packet: Packet[VideoStream], candidate: HardwareDecoder, decoder: PacketDecoder
    ) -> tuple[list[av.VideoFrame], str]:
        with av.logging.Capture() as heard:
            try:
                frames = decoder.decode(packet)
            except DecodingFailed as failure:
                return self._begun_again(candidate, str(failure))
        fates = {one.pts: one.opaque for group in self._kept for one in group}
        fresh = [frame for frame in frames if frame.pts not in self._given]
        for frame in fresh:
            frame.opaque = fates.get(frame.pts)
        return fresh, _complaint(heard)

    def _begun_again(self, candidate: HardwareDecoder, reason: str) -> tuple[list[av.VideoFrame], str]:
        """Decode what has come since the last key frame by software; the pictures that were not given yet."""
        self._choice.drop(candidate, self._codec, reason)
        kept = [one for group in self._kept for one in group]
        self.close()
        self.name = SOFTWARE
        self._say_taken(logging.WARNING)
        self._software.flush_buffers()
        came = [self._by_software(packet) for packet in kept]
        frames = [frame for some, _ in came for frame in some if frame.pts not in self._given]
        return frames, came[-1][1]

    def _try_beside(self, packet: Packet[VideoStream], frames: list[av.VideoFrame], complaint: str) -> None:
        """Have a hardware decoder do what software has done, and compare."""
        if complaint:  # what a decoder makes of damage is its own affair: the next key frame is a fresh start
            self._give_up_trial()
            return
        if self._trial is None and packet.is_keyframe and packet.pts is not None:
            self._begin_trial()
        trial = self._trial
        if trial is None:
            return
        try:
            with av.logging.Capture():
                self._compare(trial, frames, trial.decoder.decode(packet))
        except DecodingFailed as failure:
            self._refuse(trial.candidate, str(failure))

    def _begin_trial(self) -> None:
        shown = self._shown
        while shown is not None and self._trial is None and not self._settled:
            left = self._choice.candidates_for(self._codec)
            if not left:
                self._settle()
            elif shown.format.name not in _LAYOUTS:
                told = f"{self._codec} of {shown.format.name} is decoded by software"
                self._choice.note(f"{self._where}: {told}, as hardware is tried for 8 bit 4:2:0 only.")
                self._settle()
            else:
                try:
                    self._trial = _Trial(left[0], open_decoder(left[0], self._stream, shown))
                except DecodingFailed as failure:
                    self._refuse(left[0], str(failure))

    def _compare(self, trial: _Trial, software: list[av.VideoFrame], hardware: list[av.VideoFrame]) -> None:
        trial.packets += 1
        for marks, frames in zip(trial.marks, (software, hardware), strict=True):
            marks.update((frame.pts, _mark(frame)) for frame in frames)
        for pts in trial.marks[0].keys() & trial.marks[1].keys():
            if trial.marks[0].pop(pts) != trial.marks[1].pop(pts):
                raise DecodingFailed("its pictures are others than those of software")
            trial.alike += 1
        if trial.alike >= ALIKE:
            self._take(trial)
        elif trial.packets > _MOST_UNSEEN:
            raise DecodingFailed(f"{trial.alike} pictures came out for {trial.packets} packets")

    def _take(self, trial: _Trial) -> None:
        self._taken, self._trial, self.name = (trial.candidate, trial.decoder), None, trial.candidate.name
        self._choice.note(f"{self._where}: {self._codec} is decoded by {self.name}.")
        self._say_taken()

    def _refuse(self, candidate: HardwareDecoder, reason: str) -> None:
        self._give_up_trial()
        self._choice.refuse(candidate, self._codec, reason)
        if not self._choice.candidates_for(self._codec):
            self._settle()

    def _give_up_trial(self) -> None:
        if self._trial is not None:
            self._trial.decoder.close()
            self._trial = None

    def _settle(self) -> None:
        self._settled, self._kept, self._given, self._shown = True, [[], []], set(), None
        self._say_taken()

    def _say_taken(self, level: int = logging.INFO) -> None:
        if self._choice.wish != SOFTWARE:  # otherwise nobody asks
            log_event("decoder", level=level, camera=self._where, codec=self._codec, decoder=self.name)


def forward_decoder_logs() -> None:
    """Let PyAV hand on what decoders say, every time that they say it, to the code that captures it.

    Nothing goes to Python's logging: FFmpeg's messages hold addresses, and with them passwords.
    """
    level = av.logging.get_level()
    if level is None or level < av.logging.ERROR:
        av.logging.set_level(av.logging.ERROR)
        logging.getLogger("libav").setLevel(logging.CRITICAL + 1)
    av.logging.set_skip_repeated(False)


def _complaint(heard: list[tuple[int, str, str]]) -> str:
    told = (text.strip() for level, _, text in heard if level <= av.logging.ERROR)
    return next((text for text in told if text and not _NO_PICTURE.search(text)), "")


def _mark(frame: av.VideoFrame) -> bytes:
    """A digest of the samples of an 8 bit 4:2:0 picture and of how it is shown; where its chroma lies is no matter."""
    if frame.format.name not in _LAYOUTS:
        raise DecodingFailed(f"it gives {frame.format.name}")
    shown = (frame.width, frame.height, frame.rotation, frame.colorspace, frame.color_range, frame.color_trc)
    digest = hashlib.blake2b(repr(shown).encode(), digest_size=16)
    planes = [rows_of(plane) for plane in frame.planes]
    digest.update(planes[0][:, : frame.width].tobytes())
    half = (frame.width + 1) // 2
    both = planes[1:] if len(planes) == 3 else [planes[1][:, 0::2], planes[1][:, 1::2]]
    for chroma in both:
        digest.update(chroma[:, :half].tobytes())
    return digest.digest()
