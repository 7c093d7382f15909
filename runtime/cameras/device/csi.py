"""The GStreamer pipeline of a Jetson's CSI camera, from its address."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from coconet.config import Checked
from coconet.errors import Refused
from coconet.redaction import redact
from coconet.runtime.cameras.address_settings import address_settings

_MOST_SIDE_PX = 8192


class CsiSettings(Checked):
    """What a CSI camera is asked for; without a size it gives the one of the sensor's own mode.

    width, height: in pixels, both or neither; the image processor scales to them, so the processor moves fewer pixels.
    fps: frames a second, by which the sensor's mode is chosen too. mode: the sensor's mode by number.
    """

    width: Annotated[int, Field(ge=16, le=_MOST_SIDE_PX, multiple_of=2)] | None = None
    height: Annotated[int, Field(ge=16, le=_MOST_SIDE_PX, multiple_of=2)] | None = None
    fps: Annotated[int, Field(ge=1, le=480)] | None = None
    mode: Annotated[int, Field(ge=0, le=99)] | None = None

    @model_validator(mode="after")
    def _both_sides(self) -> CsiSettings:
        if (self.width is None) != (self.height is None):
            raise Refused(
                "width, height",
                wanted="both or neither",
                got="one of them",
                remedy="Give csi://0?width=1280&height=720.",
                says="have to be given together, but only one of them was",
            )
        return self


def csi_pipeline(address: str, *, gray: bool) -> str:
    """The pipeline of `csi://0?width=1280&height=720&fps=30`; from NVIDIA's documentation, not run on a Jetson.

    Raises Refused if no number follows, and for settings that a camera does not have.
    """
    sensor = address.partition("://")[2].partition("?")[0]
    if not (sensor.isascii() and sensor.isdigit()):
        raise Refused(
            redact(address),
            wanted="csi:// and a number",
            got="something else" if sensor else "none",
            remedy="Use csi://0, or csi://0?width=1280&height=720&fps=30.",
            says=f"{'has something other than a number' if sensor else 'has no number'} after csi://",
        )
    settings = address_settings(address, CsiSettings)
    mode = "" if settings.mode is None else f" sensor-mode={settings.mode}"
    rate = "" if settings.fps is None else f",framerate={settings.fps}/1"
    size = "" if settings.width is None else f",width={settings.width},height={settings.height}"
    form = "GRAY8" if gray else "BGRx"
    raw = f"nvvidconv ! video/x-raw,format={form}{size}"
    return f"nvarguscamerasrc sensor-id={sensor}{mode} ! video/x-raw(memory:NVMM),format=NV12{rate} ! {raw}"
