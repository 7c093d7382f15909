"""Videos made whole: containers that grow while they are written, and what becomes of a file in the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from coconet.errors import CoconetError, MissingPackage
from coconet.files import give_name, spare_bytes, writing_to
from coconet.media.video import open_container, video_stream
from coconet.writing.recovery import NothingReadable, recover, replace_by_copy

try:
    import av
    from av.error import FFmpegError
except ImportError as error:
    raise MissingPackage("av", job="writing videos") from error

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream


@dataclass(frozen=True)
class Container:
    """A kind of file. growing: options while it is written, of a fragment every quarter of a second; whole: at the end.

    A kind without `whole` is whole as it was written, once it has been closed.
    """

    muxer: str
    growing: tuple[tuple[str, str], ...]
    whole: tuple[tuple[str, str], ...] = ()


_FRAGMENTS = (("movflags", "+delay_moov+default_base_moof"), ("frag_duration", "250000"), ("flush_packets", "1"))

_FAST_START = (("movflags", "+faststart"),)  # the index goes to the front, so that a browser plays while it loads

_CLUSTERS = (("cluster_time_limit", "250"), ("flush_packets", "1"))

CONTAINERS = {
    ".mp4": Container("mp4", _FRAGMENTS, _FAST_START),
    ".mov": Container("mov", _FRAGMENTS, _FAST_START),
    ".mkv": Container("matroska", _CLUSTERS),
}

WRITABLE_SUFFIXES = tuple(CONTAINERS)
"""Containers that keep a time for every frame; AVI, for one, knows a single fixed rate."""


def recover_video(path: Path, name: Path | None = None) -> Path | None:
    """Make a whole video of what a run that broke off has left of `path`, as `recover` says."""
    return recover(path, name, _copy)


def finish_video(scratch: Path, target: Path, kind: Container) -> None:
    """Give a closed file its name: with an index in front, or, if there is no room for a copy, as it is."""
    if kind.whole and scratch.stat().st_size < spare_bytes(target.parent):
        with suppress(CoconetError):
            replace_by_copy(scratch, target, _copy)
            return
    with writing_to(target):
        give_name(scratch, target)


def _copy(source: Path, target: Path) -> None:
    """Copy the packets of a video, undecoded, into an ordinary file; a source that is cut off is copied up to there."""
    try:
        container = open_container(str(source))
    except FFmpegError as error:
        raise NothingReadable from error
    kind = CONTAINERS[target.suffix.lower()]
    with container:
        packets = _packets(container)
        first = next(packets, None)
        if first is None:
            raise NothingReadable
        with av.open(str(target), "w", format=kind.muxer, options=dict(kind.whole)) as output:
            stream = output.add_stream_from_template(container.streams.video[0])
            for packet in chain([first], packets):
                packet.stream = stream
                output.mux(packet)


def _packets(container: InputContainer) -> Iterator[Packet[VideoStream]]:
    if video_stream(container) is None:
        return
    with suppress(FFmpegError):
        for packet in container.demux(container.streams.video[0]):
            if packet.size:  # the last one, which empties the demuxer, has none
                yield packet
