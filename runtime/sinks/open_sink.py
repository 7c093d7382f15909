"""Sinks: where fused frames go, as a video file, a bag, a folder of pictures, one picture, a stream, or nowhere."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from coconet.errors import Refused
from coconet.files import check_place
from coconet.media.naming.bag_names import BAG_SUFFIXES, MCAP_SUFFIX
from coconet.media.naming.picture_names import is_picture
from coconet.redaction import is_network_address, redact
from coconet.runtime.sinks.raw_pipe import RAW_PIPE, RawSink
from coconet.runtime.sinks.reserve_sink import DiskRoom, ReserveSink, WhenFull
from coconet.runtime.sinks.sink import FolderSink, NoSink, PictureSink, Sink
from coconet.runtime.sinks.video_file import RotatingSink, Rotation, VideoSink, kept_files
from coconet.writing.outputs import check_free, check_no_input, check_outputs

if TYPE_CHECKING:
    from coconet.media.encoding.encoder import EncoderName
    from coconet.media.encoding.encoder_choice import EncoderChoice
    from coconet.runtime.ros.known_info import KnownInfo
    from coconet.runtime.sinks.look_sink import Drawn

_SCHEMES = ("udp", "rtsp", "h264", "raw")


@dataclass(frozen=True)
class Output:
    """Where frames go, as `open_sink` takes it: an address, and when a video file gives way to the next one.

    overwrite: whether it may replace what is there. skip_existing: whether pictures that are there already stay, and
    are not made again; for a folder. encoder: what encodes videos and streams, as EncoderChoice takes it.
    drawn: what it shows of the frames; the fused picture if None. info: of the visible camera's lens, for a bag.
    """

    address: str | None = None
    rotation: Rotation | None = None
    overwrite: bool = False
    skip_existing: bool = False
    reserve_mb: float | None = None
    encoder: EncoderName = "auto"
    drawn: Drawn | None = None
    info: KnownInfo | None = None

    @property
    def is_encoded(self) -> bool:
        """Whether it is a video or a stream of one, and not pictures, raw pixels or nothing."""
        path = output_path(self.address)
        if path is None or self.address is None:
            return _stream(self.address or "") not in ("", RAW_PIPE)
        return not (_is_folder(self.address, path) or is_picture(path) or is_mcap(path))

    @property
    def is_standard_output(self) -> bool:
        """Whether frames go to standard output, where nothing else may be printed then."""
        return _stream(self.address or "").endswith(":-")

    def check(self, inputs: Iterable[Path | str | None], others: Iterable[Path | None] = ()) -> None:
        """Refuse what must not be written to, as check_outputs says. others: more outputs of the same command.

        A video that is rotated never replaces anything, but may not have inputs among the files it deletes in the end.
        """
        path, inputs, others = output_path(self.address), list(inputs), list(others)
        if self.encoder != "auto" and not self.is_encoded:
            raise Refused(
                "--encoder",
                wanted="a video or a stream of H.264 as output",
                got="another one",
                remedy="Leave it out.",
                says="applies to a video or a stream of H.264 only",
            )
        if self.skip_existing and (path is None or not _is_folder(self.address or "", path)):
            raise Refused(
                "--skip-existing",
                wanted="a folder of pictures as output",
                got="another one",
                remedy="Leave it out.",
                says="applies to a folder of pictures only",
            )
        if self.rotation is not None and path is not None and not self.is_encoded:
            raise Refused(
                "--rotate-minutes, --rotate-mb and --keep",
                wanted="a video file",
                got=str(path),
                remedy="Leave it out.",
                says=f"apply to a video file only, not to {path}",
            )
        made = [path] if path is not None and _is_folder(self.address or "", path) else []
        check_outputs([path, *others], inputs=inputs, overwrite=True, made=made)
        if path is not None and self.rotation is not None and path.parent.is_dir():
            check_no_input(kept_files(path), inputs)
        if not self.overwrite:
            check_free(others)
            check_free([path] if self.rotation is None and not self.skip_existing else [])


def output_path(address: str | None) -> Path | None:
    """The file or folder that an output's address names; None for nowhere and for streams.

    Raises CoconetError for an address of no known kind, and for a name that no file can have.
    """
    if address is None or _stream(address):
        return None
    if not address or is_network_address(address) or address.partition(":")[0].lower() in ("h264", "raw"):
        raise Refused(
            redact(address) or "--out",
            wanted="udp://host:5000 or rtsp://host/path, h264:- or raw:-, a video file, a picture or a folder",
            got="another kind of address" if address else "an empty name",
            remedy="Use udp://host:5000 or rtsp://host/path, h264:- or raw:-, a video file, a picture or a folder.",
            says=f"{'is not an output that is known' if address else 'has an empty name'}",
        )
    path = Path(address)
    check_place(path)
    return path


def _stream(address: str) -> str:
    """The address of a stream, its scheme in small letters; empty for anything else."""
    scheme, colon, rest = address.partition(":")
    if colon and scheme.lower() in _SCHEMES:
        address = f"{scheme.lower()}:{rest}"
    return address if address.startswith(("udp://", "rtsp://")) or address in ("h264:-", RAW_PIPE) else ""


def is_mcap(path: Path) -> bool:
    """Whether an output is a bag, by its ending. Raises Refused for the ending of a bag that is only read."""
    suffix = path.suffix.lower()
    if suffix in BAG_SUFFIXES and suffix != MCAP_SUFFIX and not path.is_dir():
        raise Refused(
            path,
            wanted=f"a bag that ends in {MCAP_SUFFIX}",
            got=suffix,
            remedy=f"Name it {path.with_suffix(MCAP_SUFFIX).name}, which ROS 2 and Foxglove read.",
            says=f"has the ending {suffix}, and bags are written as {MCAP_SUFFIX} only",
        )
    return suffix == MCAP_SUFFIX


def recover_output(path: Path) -> Path | None:
    """Make a whole video or bag of what a run that broke off has left of `path`, as `recover` says."""
    if is_mcap(path):
        from coconet.runtime.ros.mcap_file import recover_mcap

        return recover_mcap(path)
    from coconet.media.encoding.whole_video import recover_video

    return recover_video(path)


def _is_folder(address: str, path: Path) -> bool:
    return address.endswith("/") or path.is_dir() or not path.suffix


def open_with_reserve(out: Output, *, live: bool, encoders: EncoderChoice | None = None) -> Sink | ReserveSink:
    """Open a sink as open_sink does; files and folders leave some of their disk free.

    live: whether frames go on coming when the disk is nearly full. A run of live cameras goes on without the file, and
    with the next one of several, or the folder, once there is room again. Any other run cannot be finished, so the
    frame for which there is no room is an error. encoders: as open_sink takes them. Raises what open_sink raises.
    """
    path = output_path(out.address)
    if path is None or out.address is None:
        return open_sink(out.address, encoders=encoders)
    folder = _is_folder(out.address, path)
    goes_on: WhenFull = "resume" if folder or out.rotation is not None else "end"
    room = DiskRoom(path if folder else path.parent, goes_on if live else "fail", out.reserve_mb)
    return ReserveSink(lambda: open_sink(out.address, out.rotation, encoders, out.info), str(path), room)


def open_sink(
    address: str | None,
    rotation: Rotation | None = None,
    encoders: EncoderChoice | None = None,
    info: KnownInfo | None = None,
) -> Sink:
    """Open a sink: a name with an ending is a picture, a video file or a bag (.mcap), and None is nowhere.

    udp:// and rtsp:// send H.264; h264:- and raw:- write to standard output. A folder is what ends in a slash, has no
    ending, or is there already; it is made where it is not. rotation: when a video file gives way to the next one.
    encoders: what a video or stream chooses its encoder from; no hardware if None. info: as Output has it. Schemes may
    be written in capitals. Raises CoconetError for an unknown scheme, and for what cannot be written.
    What is there is replaced: Output.check says whether it may be.
    """
    path = output_path(address)
    if path is not None and address is not None:
        if _is_folder(address, path):
            return FolderSink(path)
        if is_picture(path):
            return PictureSink(path)
        if is_mcap(path):
            from coconet.runtime.sinks.bag_file import BagSink

            return BagSink(path, info)
        return VideoSink(path, encoders) if rotation is None else RotatingSink(path, rotation, encoders)
    if address is None:
        return NoSink()
    return RawSink() if _stream(address) == RAW_PIPE else _open_stream(_stream(address), encoders)


def _open_stream(address: str, encoders: EncoderChoice | None) -> Sink:
    from coconet.runtime.sinks.network_stream import StreamSink

    return StreamSink(address, encoders)
