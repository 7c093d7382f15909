"""The GStreamer pipeline of a Jetson's CSI camera, from its address."""

from __future__ import annotations

from coconet.errors import CoconetError
from coconet.redaction import redact


def csi_pipeline(address: str, *, gray: bool) -> str:
    """The pipeline of `csi://0`; written from NVIDIA's documentation, not run on a Jetson.

    Raises CoconetError where no number follows.
    """
    sensor = address.partition("://")[2]
    if not (sensor.isascii() and sensor.isdigit()):
        raise CoconetError(
            redact(address),
            wanted="csi:// and a number",
            got="something else" if sensor else "none",
            remedy="Use csi://0.",
        )
    form = "GRAY8" if gray else "BGRx"
    raw = f"nvvidconv ! video/x-raw,format={form}"
    return f"nvarguscamerasrc sensor-id={sensor} ! video/x-raw(memory:NVMM),format=NV12 ! {raw}"
