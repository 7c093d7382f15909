"""The trial of a hardware decoder on pictures of our own, for a decoder asked for by name, and for the doctor."""

from __future__ import annotations

import io
from fractions import Fraction
from typing import cast

import numpy as np

from coconet.errors import MissingPackage, Refused
from coconet.media.decoding.decoder import FOURCC, HardwareDecoder
from coconet.media.decoding.decoder_choice import DecoderChoice
from coconet.media.decoding.stream_decoder import StreamDecoder
from coconet.media.encoding.trial import Refusal, moving_pictures

try:
    import av
except ImportError as error:
    raise MissingPackage("av", job="reading videos") from error

_ENCODERS = {
    "h264": ("libx264", ("x264-params", "rc-lookahead=0:sync-lookahead=0")),
    "hevc": ("libx265", ("x265-params", "log-level=none:bframes=0")),
}

_OPTIONS = (("preset", "ultrafast"), ("g", "4"))

_ROUNDS = 2
"""How often the pictures of the trial come, as a decoder may hold many before it gives the first."""


def require_decoder(choice: DecoderChoice, codec: str, size_px: tuple[int, int]) -> None:
    """Try the decoder that was asked for by name; nothing of auto, software and one that has failed since.

    codec: FFmpeg's name. size_px: width and height. Raises Refused if it does not work.
    """
    if choice.wish in ("auto", "software") or choice.is_settled(codec):
        return
    if codec not in FOURCC:
        raise _refused(choice.wish, f"no hardware is tried for {codec}")
    try:
        for candidate in choice.candidates_for(codec):
            try_decoder(candidate, codec, size_px)
    except Refusal as refusal:
        raise _refused(choice.wish, str(refusal)) from refusal
    choice.settle(codec)


def try_decoder(candidate: HardwareDecoder, codec: str, size_px: tuple[int, int]) -> None:
    """Have a decoder decode moving pictures of a size; nothing is tried if this FFmpeg does not encode the codec.

    size_px: width and height; an odd one is taken one less. Raises Refusal if it does not work.
    """
    encoder, parameters = _ENCODERS[codec]
    if encoder not in av.codecs_available:
        return
    choice = DecoderChoice(candidate.name, candidates=[candidate], note=_say_nothing, warn=_say_nothing)
    even = (size_px[0] // 2 * 2, size_px[1] // 2 * 2)
    with av.open(_clip(encoder, parameters, even), "r") as container:
        stream = container.streams.video[0]
        decoder = StreamDecoder(stream, "a trial", choice)
        try:
            for packet in container.demux(stream):
                decoder.decode(packet)
            if decoder.name != candidate.name:
                raise Refusal(choice.reasons.get((candidate.name, codec), "too few pictures came out"))
        finally:
            decoder.close()


def _say_nothing(_words: str) -> None:
    """Who tried says what came of it."""


def _clip(encoder: str, parameters: tuple[str, str], size_px: tuple[int, int]) -> io.BytesIO:
    """A stream of the pictures of the trial, as a receiver of one gets it."""
    file = io.BytesIO()
    with av.open(file, "w", format="mpegts") as container:
        stream = cast(av.VideoStream, container.add_stream(encoder, rate=30, options=dict([*_OPTIONS, parameters])))
        stream.width, stream.height, stream.pix_fmt = *size_px, "yuv420p"
        for number, luma in enumerate(moving_pictures(size_px) * _ROUNDS):
            frame = av.VideoFrame.from_ndarray(np.vstack([luma, np.full_like(luma[::2], 128)]), format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 30)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    file.seek(0)
    return file


def _refused(name: str, got: str) -> Refused:
    remedy = "Use --decoder auto or software; coconet doctor says which decoders work."
    return Refused(
        f"--decoder {name}",
        wanted="a decoder that works here",
        got=got,
        remedy=remedy,
        says=f"does not work here: {got}",
    )
