"""Picture files, read upright as the samples they hold and written whole, and pictures resized."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from coconet.errors import CoconetError, MissingPackage, counted
from coconet.event_log import warn_once
from coconet.files import existing_file, read_file, whole_file
from coconet.media.header import PictureHeader, check_size, picture_header
from coconet.media.naming.picture_names import check_picture_ending
from coconet.media.palettes.recognition import InfraredGray
from coconet.media.pixels import TRANSPARENT, Pixels, RawPixels, as_gray, check_dynamic_range, upright
from coconet.media.radiometric import read_thermogram
from coconet.media.thermal import common_limits, stretched_alone
from coconet.media.thermal_settings import Limits, ThermalSettings

try:
    import cv2
except ImportError as error:
    raise MissingPackage("cv2", job="reading and writing pictures", extra="headless") from error

_FAINT = 1 << 14  # a 16 bit picture that stays below is likely of 10, 12 or 14 bits


def read_picture(path: Path) -> RawPixels:
    """Read a picture upright, as EXIF and TIFF say: (H, W, 3) BGR or (H, W, 1) gray, uint8 or uint16 as stored.

    Signed, 32 bit and floating samples of TIFF files are (H, W, 1) float32, NaN where nothing was measured. An alpha
    channel is dropped, palettes are looked up, CMYK becomes BGR without a profile. Raises CoconetError for what is no
    picture, too many pixels, an animation, or a TIFF file of several pages.
    """
    pages = read_pages(path)
    if len(pages) > 1:
        raise CoconetError(
            path,
            wanted="one picture",
            got=counted(len(pages), "page"),
            remedy="Name the file itself as the camera, and each page is a frame; or save them as files of their own.",
            says=f"has {counted(len(pages), 'page')}, not one",
        )
    return pages[0]


def read_pages(path: Path) -> list[RawPixels]:
    """Read a picture as read_picture does, of a TIFF file all pages, which then are frames."""
    data = read_file(path, "a picture file")
    header = picture_header(data)
    if header.kind == "tiff":
        from coconet.media.tiff import read_tiff

        pages = read_tiff(data, path)
        if not pages:
            raise _no_picture(path, "is a TIFF file without a page")
        return pages
    if header.frames > 1:
        raise CoconetError(
            path,
            wanted="a still picture",
            got=f"an animation of {counted(header.frames, 'frame')}",
            remedy=f"Make a video of it: ffmpeg -i {path.name} {path.stem}.mkv",
            says=f"is an animation of {counted(header.frames, 'frame')}, not a still picture",
        )
    check_size(path, header.width_px, header.height_px)
    return [upright(_decoded(path, data, header), header.orientation)]


def _decoded(path: Path, data: bytes, header: PictureHeader) -> RawPixels:
    """As stored, not turned."""
    array = np.frombuffer(data, np.uint8)
    pixels = cv2.imdecode(array, cv2.IMREAD_UNCHANGED) if data and header.kind else None
    if pixels is None:
        raise _no_picture(path, "is empty; expected a picture" if not data else "is not a picture, or is damaged")
    if pixels.dtype not in (np.uint8, np.uint16):
        raise _no_picture(path, f"has samples of type {pixels.dtype}; expected 8 or 16 bit")
    if pixels.ndim == 2:
        return pixels[:, :, None]
    if pixels.shape[2] == 4 and pixels[:, :, 3].min() < (255 if pixels.dtype == np.uint8 else 65535):
        warn_once(f"{path.parent}: {TRANSPARENT}")
    return np.ascontiguousarray(pixels[:, :, : 1 if header.gray else 3])


def _no_picture(path: Path, says: str) -> CoconetError:
    return CoconetError(
        path,
        wanted="an 8 or 16 bit picture",
        got=f"one that {says}",
        remedy="Remove the file or save it again as PNG.",
        says=says,
    )


def read_visible(path: Path) -> Pixels:
    """Read a visible picture as (H, W, 3) BGR or (H, W, 1) gray, uint8; of 16 bit samples 65535 is white."""
    pages = visible_pages(path)
    if len(pages) > 1:
        read_picture(path)  # which refuses several pages in words
    return pages[0]


def visible_pages(path: Path) -> list[Pixels]:
    """Read all pages of a visible picture; of a FLIR JPEG that holds temperatures the visible picture inside."""
    thermogram = read_thermogram(existing_file(path, "a picture file"))
    if thermogram is not None and thermogram.visible is not None:
        return [thermogram.visible]
    if thermogram is not None:
        raise CoconetError(
            path,
            wanted="a visible picture beside the temperatures",
            got="a radiometric JPEG without one",
            remedy="Name the folder of the visible pictures with --visible.",
            says="is a radiometric JPEG without a visible picture in it",
        )
    header = picture_header(read_file(path, "a picture file"))
    check_dynamic_range(header.transfer, path)
    return [visible_levels(page, path, header.white) for page in read_pages(path)]


def visible_levels(pixels: RawPixels, where: object, white: int = 0) -> Pixels:
    """Bring (H, W, C) samples of a visible picture to 8 bit, white being the largest number of their type.

    white: the sample that is white where the file says so.
    Raises CoconetError for floating samples, of which nobody knows what white is.
    """
    if white not in (0, 255, 65535):
        return np.rint(np.minimum(pixels, white) * (255 / white)).astype(np.uint8)
    if pixels.dtype == np.uint8:
        return pixels
    if pixels.dtype != np.uint16:
        raise CoconetError(
            where,
            wanted="visible samples of 8 or 16 bit",
            got="floating or signed ones, of which it is not known what is white",
            remedy="Save the picture as PNG; if it is the thermal one, swap --visible and --infrared.",
            says="has floating or signed samples, which do not say what is white",
        )
    if pixels.max() < _FAINT:
        warn_once(
            f"{where}: 16 bit visible samples, of which the largest is {pixels.max()} of 65535, so the picture is "
            "dark; if they are of 10, 12 or 14 bits, multiply them by 64, 16 or 4 first."
        )
    return np.rint(pixels / 257).astype(np.uint8)


class InfraredStills:
    """Reads infrared pictures through the thermal front end: each by itself, or all between the same limits."""

    def __init__(self, settings: ThermalSettings | None = None, paths: tuple[Path, ...] = ()) -> None:
        """Prepare to read; paths: the pictures whose common limits `range_of = all` means."""
        self.settings = settings or ThermalSettings()
        self._gray: dict[Path, InfraredGray] = {}
        self._paths, self._limits = paths, None
        self.palette, self.raw_counts = "", False
        self.emissivity: float | None = None
        self.distance_m: float | None = None

    def samples(self, path: Path) -> RawPixels:
        """Read a picture as (H, W, 1) uint8, or uint16 or float32 to be stretched; colours become gray."""
        pages = self.pages(path)
        if len(pages) > 1:
            read_picture(path)  # which refuses several pages in words
        return pages[0]

    def pages(self, path: Path) -> list[RawPixels]:
        """Read all pages; of a FLIR JPEG the temperatures, in degrees Celsius."""
        thermogram = read_thermogram(existing_file(path, "a picture file"))
        if thermogram is None:
            return [self.gray(path, page) for page in read_pages(path)]
        self.emissivity, self.distance_m = thermogram.emissivity, thermogram.distance_m
        return [thermogram.celsius]

    def gray(self, path: Path, pixels: RawPixels) -> RawPixels:
        """Make the (H, W, C) pixels of a file gray, by one palette for its folder."""
        gray = self._gray.setdefault(path.parent, InfraredGray(self.settings.palette, str(path.parent)))
        samples = gray(pixels)
        self.palette = gray.used or self.palette
        return samples

    def levels(self, path: Path) -> Pixels:
        """Read a picture as (H, W, 1) uint8."""
        samples = self.samples(path)
        self.raw_counts |= samples.dtype != np.uint8
        if self.settings.range_of == "all" and self._limits is None:
            self._limits = common_limits((self.samples(one) for one in self._paths or (path,)), self.settings)
        return stretched_alone(samples, self.settings, self._limits)

    _limits: Limits | None


def read_gray(path: Path) -> Pixels:
    """Read a visible or fused picture as (H, W) uint8 luma."""
    return as_gray(read_visible(path))[:, :, 0]


def write_picture(path: Path, pixels: RawPixels) -> None:
    """Write (H, W, 3) BGR or (H, W, 1) pixels; the suffix chooses the format.

    The disk is not waited for, which would cost a folder of pictures most of its time.
    """
    check_picture_ending(path)
    with whole_file(path, durable=False) as scratch:
        suffix = ".pnm" if path.suffix.lower() in (".pgm", ".ppm") else path.suffix  # OpenCV: gray or colour, not both
        encoded, data = cv2.imencode(suffix, pixels)
        if not encoded:
            raise CoconetError(
                path,
                wanted="pixels that fit the format",
                got=str(pixels.shape),
                remedy="Use the ending .png.",
                says=f"cannot hold pixels of shape {pixels.shape}",
            )
        scratch.write_bytes(data.data)  # NumPy's tofile hides that the disk is full


def resize(pixels: Pixels, width_px: int, height_px: int) -> Pixels:
    """(H, W, C) to (height_px, width_px, C), uint8; sides of the size it has already come back unchanged."""
    smaller = width_px * height_px < pixels.shape[0] * pixels.shape[1]
    method = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    scaled = np.asarray(cv2.resize(pixels, (width_px, height_px), interpolation=method), np.uint8)
    return scaled.reshape(height_px, width_px, pixels.shape[2])  # OpenCV drops the axis of a single channel
