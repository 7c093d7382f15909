"""Decoders for tests: ones that stand for hardware but run on the processor, whose device is a file."""

from __future__ import annotations

from pathlib import Path

from coconet.media.decoding.decoder import HardwareDecoder
from coconet.media.decoding.decoder_choice import DecoderChoice
from tests.support.media.encoders import Said

NODES = ("dev/codec0",)

ON_PROCESSOR = HardwareDecoder("nvdec", NODES)
"""FFmpeg's own decoder, a second time."""

NO_SUCH_CODEC = HardwareDecoder("qsv", NODES, suffix="_none")
"""One that this FFmpeg was built without."""

NO_SUCH_ELEMENT = HardwareDecoder("nvv4l2decoder", NODES, elements="nvv4l2nothing ! nvvidconv")
"""One that this GStreamer was installed without."""


def through_gstreamer(elements: str) -> HardwareDecoder:
    """A decoder of GStreamer in the place of a Jetson's."""
    return HardwareDecoder("nvv4l2decoder", NODES, elements=elements)


def decoders_of(root: Path, *candidates: HardwareDecoder) -> tuple[DecoderChoice, Said]:
    """A choice among these, and what it says. root: where dev lies, as device_at makes it."""
    said = Said()
    choice = DecoderChoice(candidates=candidates, root=root, note=said.notes.append, warn=said.warnings.append)
    return choice, said
