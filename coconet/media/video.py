"""Video files: their frames as upright pixels with their real presentation times, and what is damaged left out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from coconet.errors import CoconetError, MissingPackage, counted
from coconet.event_log import note_once, warn_once
from coconet.files import existing_file
from coconet.media.decoding.frame_pixels import FrameDecoder
from coconet.media.decoding.frame_times import SECOND_NS, FrameTimes
from coconet.media.decoding.stream_decoder import forward_decoder_logs
from coconet.media.decoding.transport_stream import breaks_off
from coconet.media.decoding.whole_frames import Outcome, WholeFrames
from coconet.media.header import check_size
from coconet.media.naming.mistaken_file import mistaken_file
from coconet.media.pixels import RawPixels

try:
    import av
    import av.logging
    from av.error import FFmpegError
    from av.stream import Disposition
except ImportError as error:
    raise MissingPackage("av", job="reading videos") from error

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

    from coconet.media.decoding.decoder_choice import DecoderChoice


_ANY_TEXT: dict[str, Any] = {} if int(av.__version__.partition(".")[0]) >= 19 else {"metadata_errors": "replace"}
"""Names and titles in another encoding than UTF-8 are no reason to refuse the pictures; PyAV 19 refuses none."""


@dataclass(frozen=True)
class VideoFrame:
    """A decoded picture, as FrameDecoder gives it, and its presentation time in the file.

    palette: the colours that an infrared picture was turned back from.
    """

    pixels: RawPixels
    timestamp_ns: int
    palette: str = ""


def open_container(
    address: str,
    *,
    options: dict[str, str] | None = None,
    timeout_s: tuple[float, float] | None = None,
) -> InputContainer:
    """Open a file or a stream with PyAV, whatever the encoding of the names inside it.

    options: of FFmpeg. timeout_s: to open it, and to read from it. Raises FFmpegError and OSError.
    """
    container: InputContainer = av.open(address, "r", options=options, timeout=timeout_s, **_ANY_TEXT)
    return container


def video_stream(container: InputContainer) -> VideoStream | None:
    """The first video stream of an opened PyAV container; None if there is none, or none whose codec FFmpeg knows.

    A picture of the cover is none, and neither is what has the codec of one.
    """
    streams = _moving(container)
    return streams[0] if streams and streams[0].codec_context is not None else None


def _moving(container: InputContainer) -> list[VideoStream]:
    return [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]


class VideoReader:
    """Decodes the first video stream of a file, in order of presentation.

    fps: the average rate, None if the file does not tell. frame_count: as the header states it, None if it does not.
    codec: its name in FFmpeg. width_px, height_px: as stored, before a turn and the shape of a pixel are taken into
    account. damaged: how many frames were left out so far because they, or what they build on, are damaged.
    """

    def __init__(
        self,
        path: Path,
        *,
        gray: bool = False,
        palette: str = "auto",
        leaves_out_damage: bool = False,
        decoders: DecoderChoice | None = None,
    ) -> None:
        """Open `path`; gray, palette: as FrameDecoder takes them, for infrared video.

        leaves_out_damage: whether damaged frames, and an end that comes too early, are counted instead of raised.
        decoders: what may decode it; no hardware if None. Raises Refused if the one that was asked for does not work.
        Raises CoconetError for a missing file, a file that is no video, and one without a video stream.
        """
        self._path = existing_file(path, "a video file")
        self._container = _open_container(path)
        stream = video_stream(self._container)
        if stream is None:
            unknown = _moving(self._container)
            self._container.close()
            raise _unreadable(path, "has a codec that FFmpeg does not know" if unknown else "has no video stream")
        if len(_moving(self._container)) > 1:
            note_once(f"{path}: it has {len(_moving(self._container))} video streams, of which the first is taken.")
        self._stream, self._leaves_out = stream, leaves_out_damage
        rate = self._stream.average_rate
        self.fps = float(rate) if rate else None
        self.frame_count = self._stream.frames or None
        self.codec = str(self._stream.codec_context.name)
        self.width_px, self.height_px = self._stream.width, self._stream.height
        try:
            check_size(path, self._stream.width, self._stream.height)
            aspect = self._stream.sample_aspect_ratio
            self._decoder = FrameDecoder(str(path), gray=gray, palette=palette, sample_aspect=aspect)
            self._note_shape(aspect or Fraction(1))
            self._whole, self._cut = WholeFrames(self._container, stream, str(path), decoders), 0
            self._times = FrameTimes(self.fps)
            self._breaks_off = self._container.format.name == "mpegts" and breaks_off(path)
        except CoconetError:
            self._container.close()
            raise

    def _note_shape(self, aspect: Fraction) -> None:
        """Say that frames come in another size than the file names, if its pixels are not square."""
        shown = self._decoder.widen(self.width_px)
        if shown != self.width_px:
            shape = f"{aspect.numerator}:{aspect.denominator}"
            made = f"its frames of {self.width_px}x{self.height_px} are made {shown}x{self.height_px}, as players do"
            note_once(f"{self._path}: its pixels are not square ({shape}); {made}.")

    def __enter__(self) -> VideoReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        self._whole.close()
        self._container.close()

    @property
    def decoded_by(self) -> str:
        """What decodes now: `software`, or the name of a hardware decoder."""
        return self._whole.decoded_by

    @property
    def damaged(self) -> int:
        """How many frames were left out; an end that comes too early counts as one."""
        return self._whole.damaged + self._cut

    def __iter__(self) -> Iterator[VideoFrame]:
        """Decode from where the reader stands; damage, or an end that comes too early, is a CoconetError.

        A frame at which two recordings were joined is left out without one: nothing builds on it.
        """
        try:
            yield from self._frames()
        except _CutOff as error:
            if not self._leaves_out:
                raise
            self._cut = 1
            warn_once(f"{error.where} {error.says}. What comes before is taken.")

    def _frames(self) -> Iterator[VideoFrame]:
        count, latest_ns = 0, 0  # of all frames: a clock may jump back within a file
        try:
            for outcome in self._whole.of_file(self._times, breaks_off=self._breaks_off):
                time_ns = self._times.of(outcome.time_ns, shown=outcome.frame is not None)
                latest_ns = max(latest_ns, time_ns)
                if outcome.damage is not None and outcome.damage.certain and not self._leaves_out:
                    raise self._damage(outcome, count, time_ns)
                if outcome.frame is not None and outcome.damage is None:
                    yield VideoFrame(self._decoder.pixels(outcome.frame), time_ns, self._decoder.palette)
                count += outcome.frame is not None
        except FFmpegError as error:
            raise self._cut_off(count, "the bytes that follow do not decode") from error
        self._tell_hidden(count)
        if self._ends_early(latest_ns) or (self._whole.ends_damaged() and self._promised_end_s() is None):
            raise self._cut_off(count, f"the file ends at {latest_ns / SECOND_NS:.2f} s")

    def _tell_hidden(self, count: int) -> None:
        """Say which frames were left out, although nothing is wrong with them; an error if none is left."""
        if self._whole.headless:
            note_once(f"{self._path}: left out: {counted(self._whole.headless, 'frame')} before its first key frame.")
        if not self._whole.hidden:
            return
        if not count:
            raise CoconetError(
                self._path,
                wanted="a video with frames to show",
                got="an edit list that hides all of them",
                remedy="Copy the stream without the list: ffmpeg -ignore_editlist 1 -i IN -c copy OUT.",
                says="has an edit list that hides all of its frames",
            )
        note_once(f"{self._path}: left out, as players do: the frames that its edit list hides.")

    def _ends_early(self, last_ns: int) -> bool:
        """Whether the header promises more: many containers end without an error where their bytes end."""
        promised_s = self._promised_end_s()
        slack_s = max(0.25, 2 / self.fps if self.fps else 0.0)
        return promised_s is not None and last_ns / SECOND_NS + slack_s < promised_s

    def _promised_end_s(self) -> float | None:
        if self._container.format.name in _WITHOUT_LENGTH:
            return None  # FFmpeg gives the time of the last packet that is there
        if self._container.format.name == "avi" and self.fps and self.frame_count:
            return self.frame_count / self.fps  # FFmpeg cuts an AVI's stated duration down to the bytes that are there
        base = self._stream.time_base
        if self._stream.duration is not None and base is not None:
            return float(((self._stream.start_time or 0) + self._stream.duration) * base)
        alone = len(self._container.streams) == 1  # otherwise the duration may be that of a longer sound track
        return self._container.duration / av.time_base if alone and self._container.duration is not None else None

    def _damage(self, outcome: Outcome, index: int, time_ns: int) -> CoconetError:
        words = outcome.damage.words.rstrip(".") if outcome.damage is not None else ""
        at = f"{time_ns / SECOND_NS:.2f} s"
        if self._whole.ends_damaged() and (self._promised_end_s() is None or self._ends_early(time_ns)):
            return self._cut_off(index, f"the file ends in the middle of a frame, at {at} ({words})")
        got = f"damage in frame {index} at {at} ({words})"
        return CoconetError(
            self._path,
            wanted="a whole video",
            got=got,
            remedy=_DAMAGED_REMEDY,
            says=f"is damaged in frame {index}, at {at} ({words})",
        )

    def _cut_off(self, count: int, got: str) -> CoconetError:
        of_all = f" of {self.frame_count}" if self.frame_count else ""
        return _CutOff(
            self._path,
            wanted="a whole video",
            got=f"{got} after frame {count}{of_all}",
            remedy=_CUT_REMEDY,
            says=f"is cut off after frame {count}{of_all}: {got}",
        )


_WITHOUT_LENGTH = ("mpegts", "mpeg")

_FIRST_BOXES = (b"ftyp", b"wide", b"mdat", b"free", b"skip")  # with which MP4 and MOV files begin (ISO/IEC 14496-12)

_DAMAGED_REMEDY = "Copy or record it again; coconet run and batch take what is whole with --on-error skip."

_CUT_REMEDY = (
    "If the original is longer, copy it again; coconet run and batch take what comes before with --on-error skip."
)


class _CutOff(CoconetError):
    """A video whose end is missing."""


def _open_container(path: Path) -> InputContainer:
    forward_decoder_logs()
    with av.logging.Capture() as heard:
        try:
            return open_container(str(path))
        except (FFmpegError, OSError) as error:
            cause, denied = error, isinstance(error, PermissionError)
    with path.open("rb") as file:
        begins_as = file.read(8)[4:]
    if begins_as in _FIRST_BOXES and any("moov atom not found" in text for _, _, text in heard):
        raise CoconetError(
            path,
            wanted="a whole video",
            got="an MP4 or MOV file without its index, which is written last: the copy or the recording broke off",
            remedy="Copy it again. If the recording itself broke off, untrunc rebuilds the index from a whole file of "
            "the same camera; recorded as MKV or TS, only the end would be missing.",
            says="is an MP4 or MOV file without its index, which is written last: the copy or the recording broke off",
        ) from cause
    found = None if denied else mistaken_file(path, "video")
    if found is not None:
        says = f"is {found[0]}; expected a video file"
        raise CoconetError(path, wanted="a video file", got=found[0], remedy=found[1], says=says) from cause
    raise _unreadable(path, "may not be read" if denied else "is not a video, or is damaged") from cause


def _unreadable(path: Path, says: str) -> CoconetError:
    remedy = "Check that the file is a whole video; FFV1 in Matroska keeps every sample of other codecs."
    return CoconetError(path, wanted="a video file", got=f"a file that {says}", remedy=remedy, says=says)
