"""Radiometric JPEG: temperatures and a visible picture inside the file that shows them in colours."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from coconet.errors import CoconetError, MissingPackage
from coconet.event_log import warn_once
from coconet.installation.remedy import remedy_for
from coconet.media.header import picture_header
from coconet.media.pixels import Pixels, RawPixels, as_bgr


@dataclass(frozen=True)
class Thermogram:
    """What a radiometric JPEG holds: (H, W, 1) float32 degrees Celsius, and the visible picture, (H, W, 3) BGR, if any.

    emissivity, distance_m: what the camera was set to when it took the temperatures.
    """

    celsius: RawPixels
    visible: Pixels | None
    emissivity: float
    distance_m: float


def read_thermogram(path: Path) -> Thermogram | None:
    """Read the temperatures of a FLIR JPEG; None for other files.

    Where they cannot be read (no flyr, or a DJI file, which only its maker's library reads), it warns once and gives
    None: the coloured picture is what is left. Raises CoconetError for a FLIR file whose temperatures are damaged.
    """
    with path.open("rb") as stream:
        if stream.read(3) != b"\xff\xd8\xff":
            return None
    data = path.read_bytes()
    maker = picture_header(data).maker
    if maker == "DJI":
        warn_once(
            f"{path.parent}: radiometric JPEG of DJI, whose temperatures only its maker's library reads; the picture "
            "that it shows is taken. Convert the files to TIFF with the DJI Thermal SDK for their temperatures."
        )
    if maker != "FLIR":
        return None
    try:
        import flyr
    except ImportError:
        warn_once(
            f"{path.parent}: radiometric JPEG of FLIR; the picture that it shows is taken, and not its temperatures. "
            f"{remedy_for('radiometric')}"
        )
        return None
    try:
        thermogram = flyr.unpack(io.BytesIO(data))
        celsius, told = np.asarray(thermogram.celsius, np.float32), thermogram.metadata
        optical = None if thermogram.optical is None else np.asarray(thermogram.optical, np.uint8)
        emissivity, distance_m = float(told["emissivity"]), float(told["object_distance"])
    except Exception as error:  # what the library raises for damage is not one kind
        raise CoconetError(
            path,
            wanted="a radiometric JPEG whose temperatures are whole",
            got=f"{type(error).__name__}: {error}",
            remedy="Copy the file from the camera again; programs that edit pictures may cut the temperatures out.",
            says="is a radiometric JPEG whose temperatures are damaged or cut out",
        ) from error
    visible = None if optical is None else _bgr(optical)
    return Thermogram(celsius[:, :, None], visible, emissivity, distance_m)


def check_unpacks() -> None:
    """Raise MissingPackage if one file cannot be both sides: what it shows would be fused with itself."""
    try:
        import flyr  # noqa: F401
    except ImportError as error:
        raise MissingPackage("flyr", job="both pictures of a radiometric JPEG", extra="radiometric") from error


def _bgr(optical: Pixels) -> Pixels:
    if optical.ndim == 2:
        return as_bgr(optical[:, :, None])
    return np.ascontiguousarray(optical[:, :, 2::-1])
