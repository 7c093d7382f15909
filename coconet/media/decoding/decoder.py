"""Video decoders: those of graphics and video hardware in the order in which they are tried; software stands behind."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from coconet.media.hardware.v4l2_calls import M2M_NODES, coding_nodes

DecoderName = Literal["auto", "software", "nvv4l2decoder", "nvdec", "vaapi", "qsv", "v4l2m2m"]
"""auto: of live streams the first hardware decoder that works, else software. software: the processor."""

FOURCC = {"h264": b"H264", "hevc": b"HEVC"}
"""The codecs that hardware is tried for, and what V4L2 calls them. Both lay down every sample of a picture, so that a
decoder that gives another one is wrong; other codecs are cheap, or are not those of cameras."""


@dataclass(frozen=True)
class HardwareDecoder:
    """A decoder that needs a device.

    nodes: patterns of the files below / of which one is there if the device may be; without any it is not tried. The
    nodes of V4L2 are asked what they are, as cameras have the same names.
    device: the kind of device, as FFmpeg calls it, by which FFmpeg's own decoder decodes. suffix: of FFmpeg's decoder
    of a codec, if that is one by itself. elements: GStreamer's, behind the parser, if it is one of GStreamer's.
    """

    name: DecoderName
    nodes: tuple[str, ...]
    device: str = ""
    suffix: str = ""
    elements: str = ""

    def here(self, codec: str, root: Path = Path("/")) -> bool:
        """Whether the device may be there for a codec of FOURCC. root: where dev lies."""
        if self.nodes == M2M_NODES:
            return bool(coding_nodes(FOURCC[codec], "decode", root))
        return any(any(root.glob(pattern)) for pattern in self.nodes)


# With a device (nvdec, vaapi) FFmpeg reads the stream itself, and still complains of pictures that are missing; the
# decoders that read it themselves come behind.
HARDWARE = (
    HardwareDecoder("nvv4l2decoder", ("dev/v4l2-nvdec", "dev/nvhost-nvdec"), elements="nvv4l2decoder ! nvvidconv"),
    HardwareDecoder("nvdec", ("dev/nvidiactl", "dev/dxg"), device="cuda"),
    HardwareDecoder("vaapi", ("dev/dri/renderD*",), device="vaapi"),
    HardwareDecoder("qsv", ("dev/dri/renderD*",), suffix="_qsv"),
    HardwareDecoder("v4l2m2m", M2M_NODES, suffix="_v4l2m2m"),
)
"""In the order in which they are tried."""
