"""Cameras by address: the one function that knows which kinds there are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from coconet.errors import ExitCode, Refused, ending_with, nearest_path
from coconet.media.decoding.decoder import DecoderName
from coconet.media.naming.bag_names import split_bag
from coconet.media.naming.picture_names import is_picture
from coconet.redaction import redact
from coconet.runtime.cameras.address_settings import address_settings
from coconet.runtime.cameras.camera import Camera
from coconet.runtime.cameras.device.pixel_layouts import FrameLayout
from coconet.runtime.frame import Side
from coconet.writing.sources import stamps_beside

if TYPE_CHECKING:
    from coconet.runtime.cameras.files import Pictures
    from coconet.runtime.cameras.synthetic.camera import SyntheticSettings


Role = Side

ROLES: tuple[Role, Role] = ("visible", "infrared")

_NETWORK = ("rtsp", "rtsps", "http", "https")

_SCHEMES = (*_NETWORK, "gst", "csi", "synthetic")

_WRITTEN = ("udp",)  # of outputs alone

_FORMER = {"painted": "synthetic"}
"""What schemes were called when rigs and recordings were written that are still there: read like the present ones."""

_UNREAD = frozenset({".seq", ".csq", ".fcf", ".ats", ".sfmov", ".ptw"})

_KINDS = (
    "a video file, a folder of pictures, a topic of a bag such as run.mcap#/camera/image_raw, or "
    "synthetic://?fps=30&width=640&height=480&seed=1, /dev/video0, "
    "rtsp://host/path, http://host/path, gst://pipeline, csi://0?width=1280&height=720&fps=30"
)


@dataclass(frozen=True)
class CameraSettings:
    """What some kinds of camera are told.

    fps: the rate of a folder whose pictures are those of a video (stills if None), or that a device is asked for.
    size_px: the (width, height) a device is asked for. layout: of a raw thermal device.
    palette: the colours of an infrared picture, as ThermalSettings has it. pictures: those of a folder to take, and
    what to call them; all of it if None. leaves_out_damage: whether damaged frames of a recording are counted instead
    of raised. decoder: what decodes a network camera or a video.
    """

    fps: float | None = None
    size_px: tuple[int, int] | None = None
    layout: FrameLayout | None = None
    palette: str = "auto"
    pictures: Pictures | None = None
    leaves_out_damage: bool = False
    decoder: DecoderName = "auto"


@ending_with(ExitCode.CAMERA)
def open_camera(address: str, role: Role, settings: CameraSettings | None = None) -> Camera:
    """Open what an address names; infrared cameras give (H, W, 1), visible ones (H, W, 3), or (H, W, 1) gray pictures.

    Raises Refused for an address of no known kind and for settings that mean nothing to it; CoconetError, which ends
    every command with ExitCode.CAMERA, for a source that cannot be opened.
    """
    settings = settings or CameraSettings()
    scheme = _scheme(address)
    address = f"{scheme}://{address.partition('://')[2]}" if scheme else address  # FFmpeg knows no RTSP://
    if settings.decoder not in ("auto", "software") and not is_decoded(address):
        raise Refused(
            redact(address),
            wanted="a decoder for a network camera or a video only",
            got=f"decoder = {settings.decoder} for something else",
            remedy="Leave decoder out.",
            says=f"takes no decoder = {settings.decoder}: this kind of camera sends nothing that is decoded",
        )
    if not (scheme or is_folder(address) or is_picture(Path(address))):
        _refuse(address, settings, device=_is_device(address))
    gray = role == "infrared"
    if scheme in _NETWORK:
        from coconet.runtime.cameras.network import NetworkCamera

        return NetworkCamera(address, gray=gray, palette=settings.palette, decoder=settings.decoder)
    if scheme in ("gst", "csi"):
        pipeline = _csi_pipeline(address, gray=gray) if scheme == "csi" else address.partition("://")[2]
        from coconet.runtime.cameras.gstreamer import GStreamerCamera

        return GStreamerCamera(pipeline, redact(address), gray=gray, palette=settings.palette)
    if scheme == "synthetic":
        from coconet.runtime.cameras.synthetic.camera import SyntheticCamera

        _refuse(address, settings, device=False)
        return SyntheticCamera(role, _synthetic_settings(address))
    return _local_camera(address, settings, gray=gray)


def _scheme(address: str) -> str:
    scheme = address.partition("://")[0].lower() if "://" in address else ""
    return _FORMER.get(scheme, scheme)


def names_camera(address: str) -> bool:
    """Whether an address begins as those of cameras do."""
    return _scheme(address) in _SCHEMES


def is_decoded(address: str) -> bool:
    """Whether an address names what a decoder can be chosen for: a network camera, or a video that is no recording."""
    scheme = _scheme(address)
    if scheme:
        return scheme in _NETWORK
    path = Path(address)
    others = split_bag(address) or is_folder(address) or _is_device(address) or is_picture(path)
    return not others and not stamps_beside(path).is_file()


def takes_rate(address: str) -> bool:
    """Whether an address names what has no rate of its own: a device, which is asked for one, or pictures."""
    return _is_device(address) or (not _scheme(address) and (is_folder(address) or is_picture(Path(address))))


def is_recorded(address: str) -> bool:
    """Whether an address names a folder or a file, which have an end, and no camera."""
    return not _scheme(address) and not _is_device(address)


def has_end(address: str) -> bool:
    """Whether what an address names ends by itself: a folder, a file, or a synthetic camera with a duration.

    Raises Refused for settings of a synthetic camera that are none.
    """
    if _scheme(address) == "synthetic":
        return _synthetic_settings(address).duration_s is not None
    return is_recorded(address)


def _local_camera(address: str, settings: CameraSettings, *, gray: bool) -> Camera:
    """Open what a path names: a folder, a device, a recording or a video."""
    path, bag = Path(address), split_bag(address)
    if bag is not None:
        from coconet.runtime.cameras.bag import BagCamera

        return BagCamera(bag, gray=gray, palette=settings.palette, leaves_out_damage=settings.leaves_out_damage)
    if is_folder(address):
        from coconet.runtime.cameras.files import FolderCamera

        return FolderCamera(path, fps=settings.fps, gray=gray, palette=settings.palette, pictures=settings.pictures)
    if _is_device(address):
        from coconet.runtime.cameras.device.v4l2 import DeviceMode, V4l2Camera

        width, height = settings.size_px or (None, None)
        mode = DeviceMode(width, height, settings.fps, settings.layout)
        return V4l2Camera(address, mode, gray=gray, palette=settings.palette)
    check_sources(address)
    return _file_camera(path, settings, gray=gray)


def is_synthetic(address: str) -> bool:
    """Whether an address is that of the synthetic street, which shows both sides."""
    return _scheme(address) == "synthetic"


def check_sources(*addresses: str, kinds: str = _KINDS) -> None:
    """Refuse an address of no known kind, and a path where nothing is; devices and networks may answer later.

    kinds: what is expected, in words.
    """
    for address in addresses:
        bag = split_bag(address)
        place = str(bag.path) if bag is not None else address
        known = _scheme(address) in _SCHEMES if _scheme(address) else _is_device(address) or _is_there(place)
        if not known:
            got = "none of these" if _scheme(address) else "no such file or folder"
            fault = "has a scheme that is not known" if _scheme(address) else "does not exist"
            if _scheme(address) in _WRITTEN:
                fault = "can be written to, and not read"
            says = f"{fault}; expected {kinds}"
            remedy = f"{'' if _scheme(address) else nearest_path(Path(place))}Check the address."
            raise Refused(redact(address), wanted=kinds, got=got, remedy=remedy, says=says)


def _is_there(address: str) -> bool:
    return _found(address, Path.is_dir) or _found(address, Path.is_file)


def is_folder(address: str) -> bool:
    """Whether an address is that of a folder that is no bag. Raises CoconetError for one that may not be looked at."""
    return "://" not in address and split_bag(address) is None and _found(address, Path.is_dir)


def _found(address: str, kind: Callable[[Path], bool]) -> bool:
    try:
        return kind(Path(address))
    except OSError as error:  # no right to look there, or no name that a file can have
        got = error.strerror or type(error).__name__
        says = f"cannot be read: {got}"
        raise Refused(redact(address), wanted=_KINDS, got=got, remedy="Check the address.", says=says) from None


def _csi_pipeline(address: str, *, gray: bool) -> str:
    from coconet.runtime.cameras.device.csi import csi_pipeline

    return csi_pipeline(address, gray=gray)


def _file_camera(path: Path, settings: CameraSettings, *, gray: bool) -> Camera:
    from coconet.runtime.cameras.files import PagesCamera, VideoCamera

    if path.suffix.lower() in _UNREAD:
        raise Refused(
            path,
            wanted="a video, a picture, or a TIFF file of several pages",
            got=f"{path.suffix}, a radiometric sequence, which no library at hand reads",
            remedy="Export it as 16 bit TIFF, a file or a page for each frame, with the program of the camera's maker.",
            says=f"is a radiometric sequence ({path.suffix}), which cannot be read here",
        )
    if is_picture(path):
        return PagesCamera(path, fps=settings.fps, gray=gray, palette=settings.palette)
    if stamps_beside(path).is_file():
        from coconet.runtime.cameras.recorded import RecordedCamera

        return RecordedCamera(path, leaves_out_damage=settings.leaves_out_damage)
    return VideoCamera(
        path,
        gray=gray,
        palette=settings.palette,
        leaves_out_damage=settings.leaves_out_damage,
        decoder=settings.decoder,
    )


def _is_device(address: str) -> bool:
    return address.startswith("/dev/")


def _refuse(address: str, settings: CameraSettings, *, device: bool) -> None:
    """Refuse settings that would mean nothing to what the address names."""
    if device:
        return
    if settings.fps is not None:
        raise Refused(
            redact(address),
            wanted="fps for a folder of pictures or a device only",
            got=f"fps = {settings.fps:g} for something else",
            remedy="Leave fps out.",
            says=f"takes no fps = {settings.fps:g}: this kind of camera has a rate of its own",
        )
    if settings.layout is not None or settings.size_px is not None:
        raise Refused(
            redact(address),
            wanted="layout and size_px for devices only",
            got="one of them for something else",
            remedy="Leave them out.",
            says="takes neither layout nor size_px: this kind of camera says itself what its pictures are",
        )


def _synthetic_settings(address: str) -> SyntheticSettings:
    from coconet.runtime.cameras.synthetic.camera import SyntheticSettings

    if address.partition("://")[2].partition("?")[0]:
        raise Refused(
            redact(address),
            wanted=_KINDS,
            got="something before its settings",
            remedy="Begin it with synthetic://?",
            says="has something before its settings",
        )
    return address_settings(address, SyntheticSettings)
