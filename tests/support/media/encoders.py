"""Encoders for tests: one that is fixed, and one that stands for hardware but runs on the processor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import pytest
from av.error import ExternalError
from av.packet import Packet

from coconet.media.encoding import encoded_video
from coconet.media.encoding.encoded_video import Coder
from coconet.media.encoding.encoder import Encoder, HardwareEncoder, Use
from coconet.media.encoding.encoder_choice import EncoderChoice


class FixedChoice(EncoderChoice):
    """Gives one encoder, untried."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__(candidates=())
        self._encoder = encoder

    def encoder_for(self, use: Use, size_px: tuple[int, int]) -> Encoder:
        return self._encoder


def on_processor(*levels: float, held: int = 0) -> HardwareEncoder:
    """libx264 in the place of hardware, whose device, dev/codec0, is a file.

    levels: its crf. held: how many pictures it holds back.
    """
    low = (("preset", "veryfast"), ("forced-idr", "1"), ("x264-params", _parameters(held)))
    return HardwareEncoder("libx264", ("dev/codec0",), low, ("crf",), levels, for_live=(("tune", "zerolatency"),))


def through_gstreamer(*levels: float) -> HardwareEncoder:
    """OpenH264 in the place of a Jetson's encoder. levels: its quantisers."""
    return HardwareEncoder(
        "nvv4l2h264enc",
        ("dev/codec0",),
        (("rate-control", "quality"), ("complexity", "low")),
        ("qp-min", "qp-max"),
        levels,
        pix_fmt="nv12",
        elements="videoconvert ! openh264enc",
        keys=("gop-size",),
    )


def _parameters(held: int) -> str:
    return f"rc-lookahead={held}:sync-lookahead=0:bframes=0:sliced-threads=1:repeat-headers=1:scenecut=0:mbtree=0"


def device_at(root: Path) -> Path:
    (root / "dev").mkdir(parents=True)
    (root / "dev" / "codec0").touch()
    return root


class Said:
    """What a choice has said."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.warnings: list[str] = []


def choice_of(candidate: HardwareEncoder, root: Path) -> tuple[EncoderChoice, Said]:
    said = Said()
    found = EncoderChoice(candidates=[candidate], root=root, note=said.notes.append, warn=said.warnings.append)
    return found, said


def fail_after(monkeypatch: pytest.MonkeyPatch, calls: int) -> None:
    """Let the encoder fail once, as one does whose driver is reset, after `calls` calls from now."""
    real, taken = encoded_video.encode_picture, [0]

    def encode(coder: Coder, frame: av.VideoFrame | None) -> list[Packet[Any]]:
        taken[0] += 1
        if taken[0] == calls + 1:
            raise ExternalError(1, "the driver was reset")
        return real(coder, frame)

    monkeypatch.setattr(encoded_video, "encode_picture", encode)
