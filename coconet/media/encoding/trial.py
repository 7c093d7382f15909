"""The trial of a hardware encoder: it has to encode pictures of the real size, and look as libx264 does."""

from __future__ import annotations

import io
from fractions import Fraction
from typing import cast

import numpy as np

from coconet.errors import MissingPackage, counted
from coconet.media.encoding.encoded_video import EncodedVideo, EncodingFailed
from coconet.media.encoding.encoder import H264, H264_LIVE, MPEG4, Encoder, HardwareEncoder, Use

try:
    import av
    from av.error import FFmpegError
    from av.video.frame import PictureType
except ImportError as error:
    raise MissingPackage("av", job="writing videos") from error


_PICTURES, _KEY = 6, 3
"""How many pictures are encoded, and which of them, from 0, is asked to be a key frame."""

_STEP_PX = 2

_CLOCK = 60_000  # MPEG-4 allows none above 65535

_MARGIN_DB = 1.0
"""How much less than libx264 an encoder may have in its worst picture; a difference that is hardly seen."""

_LEAST_PSNR_DB = 20.0
"""Below it a picture is another one, whatever libx264 makes of it."""


class Refusal(Exception):
    """Why an encoder is not taken."""


def software_encoder(use: Use) -> Encoder:
    """What stands behind every hardware encoder: libx264, or MPEG-4 if this FFmpeg has no libx264."""
    if H264.name not in av.codecs_available:
        return MPEG4
    return H264_LIVE if use == "live" else H264


def try_encoder(candidate: HardwareEncoder, use: Use, size_px: tuple[int, int]) -> Encoder:
    """The encoder at the cheapest of its levels that looks as software_encoder does at this size.

    size_px: width and height, both even. Raises Refusal if it does not work, or looks worse at every level.
    """
    if not candidate.elements and candidate.name not in av.codecs_available:
        raise Refusal("this FFmpeg does not have it")
    pictures = moving_pictures(size_px)
    wanted_db = max(_worst_psnr_db(software_encoder(use), use, pictures) - _MARGIN_DB, _LEAST_PSNR_DB)
    best_db = 0.0
    for level in candidate.levels:
        encoder = candidate.at(level, use, *size_px)
        try:
            psnr_db = _worst_psnr_db(encoder, use, pictures)
        except (EncodingFailed, FFmpegError, OSError, RuntimeError, ValueError) as error:  # PyAV knows them all
            words = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
            raise Refusal(words) from error
        if psnr_db >= wanted_db:
            return encoder
        best_db = max(best_db, psnr_db)
    raise Refusal(f"its pictures are worse, {best_db:.1f} dB for {wanted_db + _MARGIN_DB:.1f}")


def moving_pictures(size_px: tuple[int, int]) -> list[np.ndarray]:
    """Luma (H, W) uint8 of a texture that moves: coarse blocks and fine noise, the same at every call."""
    width, height = size_px
    rng = np.random.default_rng(0)
    blocks = rng.integers(30, 210, (height // 16 + 1, width // 16 + 1))
    coarse = np.repeat(np.repeat(blocks, 16, axis=0), 16, axis=1)[:height, :width]
    luma = (coarse + rng.integers(0, 12, (height, width))).astype(np.uint8)
    return [np.roll(luma, number * _STEP_PX, axis=1) for number in range(_PICTURES)]


def _worst_psnr_db(encoder: Encoder, use: Use, pictures: list[np.ndarray]) -> float:
    """Encode, decode and compare; a stream for receivers is decoded from a later key frame on, as they do."""
    height, width = pictures[0].shape
    file = io.BytesIO()
    with av.open(file, "w", format="mpegts" if use == "live" else "matroska") as container:
        video = EncodedVideo(container, encoder, (width, height), _CLOCK)
        for number, luma in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(np.vstack([luma, np.full_like(luma[::2], 128)]), format="yuv420p")
            frame.pts, frame.time_base = number * _CLOCK // 30, Fraction(1, _CLOCK)
            if number == _KEY:
                frame.pict_type = PictureType.I
            video.write(frame)
        video.flush()
    file.seek(0)
    decoded = _joined_late(file) if use == "live" else _whole(file)
    expected = pictures[-len(decoded) :] if use == "live" else pictures
    if len(decoded) != len(expected) or not decoded:
        raise Refusal(f"{len(decoded)} of its {counted(len(expected), 'picture')} can be decoded")
    return min(_psnr_db(one, other) for one, other in zip(expected, decoded, strict=True))


def _whole(file: io.BytesIO) -> list[np.ndarray]:
    with av.open(file, "r") as container:
        return [_luma(frame) for frame in container.decode(video=0)]


def _joined_late(file: io.BytesIO) -> list[np.ndarray]:
    """What a receiver sees that has nothing but the packets from the second key frame on."""
    with av.open(file, "r") as container:
        stream = container.streams.video[0]
        packets = [packet for packet in container.demux(stream) if packet.size]
        keys = [number for number, packet in enumerate(packets) if packet.is_keyframe]
        if len(keys) < 2:
            raise Refusal("it gives no key frame when asked for one")
        decoder = cast(av.VideoCodecContext, av.CodecContext.create(stream.codec_context.name, "r"))
        frames = [frame for packet in packets[keys[1] :] for frame in decoder.decode(packet)]
        return [_luma(frame) for frame in [*frames, *decoder.decode(None)]]


def _luma(frame: av.VideoFrame) -> np.ndarray:
    return frame.reformat(format="yuv420p").to_ndarray()[: frame.height]


def _psnr_db(one: np.ndarray, other: np.ndarray) -> float:
    """Peak signal-to-noise ratio of 8 bit pictures, 10 log10(255^2 / mean squared error)."""
    error = float(np.mean((one.astype(float) - other) ** 2))
    return 10 * float(np.log10(255**2 / max(error, 1e-6)))
