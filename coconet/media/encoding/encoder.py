"""Video encoders: those of graphics and video hardware in the order in which they are tried, and those behind them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from coconet.media.hardware.v4l2_calls import M2M_NODES, coding_nodes

Use = Literal["file", "live"]
"""file: a video file. live: a stream with little delay, which a receiver may join at any key frame."""

EncoderName = Literal[
    "auto", "libx264", "nvv4l2h264enc", "h264_nvenc", "h264_vaapi", "h264_qsv", "h264_amf", "h264_v4l2m2m"
]
"""auto: the first hardware encoder that works, else libx264."""

Options = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Encoder:
    """An encoder of FFmpeg, or of GStreamer, ready to be opened.

    options: FFmpeg's, or properties of GStreamer's element. pix_fmt: what it takes. device: the kind of device that
    pictures are uploaded to first, as FFmpeg calls it; empty if the encoder takes them from memory. hardware: whether
    another one takes over when it fails. elements: GStreamer's, of which the last one encodes; empty if FFmpeg does.
    keys: the properties of that one that say after how many pictures a key frame comes at the latest.
    """

    name: str
    options: Options
    pix_fmt: str = "yuv420p"
    device: str = ""
    hardware: bool = False
    elements: str = ""
    keys: tuple[str, ...] = ()


# x264 holds back 25 frames by default, of which a kill would leave nothing; these hold back six at most. Its tree of
# macroblocks (mbtree) gains little from two frames of lookahead, and encodes the same small pictures otherwise once in
# some 700 times (x264 165 with AVX-512); a batch that is made again has to give the same bytes.
# This preset with the second level of subpixel search takes 0.6 of the time of `veryfast`: recordings came out as large
# and as near to the pictures, synthetic 1920x1080 1 % larger and 0.5 dB less near.
H264 = Encoder(
    "libx264",
    (
        ("crf", "18"),
        ("preset", "superfast"),
        ("threads", "4"),
        ("x264-params", "rc-lookahead=2:bframes=1:sliced-threads=1:mbtree=0:subme=2"),
    ),
)

H264_LIVE = Encoder(
    "libx264",
    (
        ("preset", "ultrafast"),
        ("tune", "zerolatency"),
        ("crf", "23"),
        ("forced-idr", "1"),
        ("x264-params", "repeat-headers=1:scenecut=0"),  # with every key frame comes what decoding begins with
    ),
)

MPEG4 = Encoder("mpeg4", (("flags", "+qscale"), ("global_quality", str(3 * 118))))
"""What every FFmpeg has; quality 3 of 31 (118 is FFmpeg's FF_QP2LAMBDA)."""


@dataclass(frozen=True)
class HardwareEncoder:
    """An encoder that needs a device.

    nodes: patterns of the files below / of which one is there if the device may be; without any it is not tried. The
    nodes of V4L2 are asked what they are, as cameras have the same names.
    shared: its options for every use; for_file, for_live: those of one. quality: the options by which its quality is
    set; `levels`: what they are set to, cheapest first; the first that looks as libx264 does is taken. per_pixel:
    whether a level is bits per pixel at 30 pictures a second, for encoders that know no constant quality.
    scale: what a level is multiplied by. elements, keys: as Encoder has them.
    """

    name: str
    nodes: tuple[str, ...]
    shared: Options
    quality: tuple[str, ...]
    levels: tuple[float, ...]
    for_file: Options = ()
    for_live: Options = ()
    scale: int = 1
    per_pixel: bool = False
    pix_fmt: str = "yuv420p"
    device: str = ""
    elements: str = ""
    keys: tuple[str, ...] = ()

    def here(self, root: Path = Path("/")) -> bool:
        """Whether the device may be there. root: where dev lies."""
        if self.nodes == M2M_NODES:
            return bool(coding_nodes(b"H264", "encode", root))
        return any(any(root.glob(pattern)) for pattern in self.nodes)

    def at(self, level: float, use: Use, width_px: int, height_px: int) -> Encoder:
        """The encoder at one level of quality."""
        value = round(level * (width_px * height_px * 30 if self.per_pixel else self.scale))
        quality = tuple((name, str(value)) for name in self.quality)
        own = self.for_live if use == "live" else self.for_file
        options = (*self.shared, *own, *quality)
        return Encoder(self.name, options, self.pix_fmt, self.device, True, self.elements, self.keys)


_QUANTISERS = (21, 18, 15, 12)
"""H.264's scale of 0 to 51; six less double the size, and one less is about 1 dB."""

# No B frames and no queue in any of them: what the encoder still holds is lost in a crash, and late in a stream.
HARDWARE = (
    HardwareEncoder(  # after NVIDIA's documentation; no FFmpeg of a Jetson reaches its encoder
        "nvv4l2h264enc",
        ("dev/v4l2-nvenc", "dev/nvhost-msenc"),
        (
            *(("profile", "4"), ("preset-level", "1"), ("maxperf-enable", "true"), ("insert-sps-pps", "true")),
            ("ratecontrol-enable", "false"),
        ),
        ("quant-i-frames", "quant-p-frames", "quant-b-frames"),
        _QUANTISERS,
        pix_fmt="nv12",
        elements="nvvidconv ! video/x-raw(memory:NVMM),format=NV12 ! nvv4l2h264enc",
        keys=("iframeinterval", "idrinterval"),
    ),
    HardwareEncoder(
        "h264_nvenc",
        ("dev/nvidiactl", "dev/dxg"),
        (("rc", "constqp"), ("bf", "0"), ("delay", "0"), ("forced-idr", "1"), ("preset", "p4")),
        ("qp",),
        _QUANTISERS,
        for_live=(("tune", "ull"), ("zerolatency", "1")),
    ),
    HardwareEncoder(
        "h264_vaapi",
        ("dev/dri/renderD*",),
        (("rc_mode", "CQP"), ("bf", "0"), ("async_depth", "1")),
        ("qp",),
        _QUANTISERS,
        pix_fmt="nv12",
        device="vaapi",
    ),
    HardwareEncoder(
        "h264_qsv",
        ("dev/dri/renderD*",),
        (("flags", "+qscale"), ("bf", "0"), ("async_depth", "1"), ("forced_idr", "1"), ("preset", "faster")),
        ("global_quality",),
        _QUANTISERS,
        scale=118,
        pix_fmt="nv12",
    ),
    HardwareEncoder(
        "h264_amf",
        ("dev/dri/renderD*", "dev/kfd"),
        (("rc", "cqp"), ("bf", "0"), ("forced_idr", "1")),
        ("qp_i", "qp_p"),
        _QUANTISERS,
        for_file=(("usage", "transcoding"),),
        for_live=(("usage", "ultralowlatency"),),
    ),
    HardwareEncoder(
        "h264_v4l2m2m",
        M2M_NODES,
        (("bf", "0"),),
        ("b",),
        (0.15, 0.3, 0.6, 1.2),
        per_pixel=True,
    ),
)
"""In the order in which they are tried."""
