"""Cameras by address: the one function that knows which kinds there are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from coconet.checked import checked
from coconet.errors import CoconetError
from runtime.frame import Camera, Side
from runtime.recording import stamps_beside

if TYPE_CHECKING:
    from runtime.painted import PaintedSettings

Role = Side
ROLES: tuple[Role, Role] = ("visible", "infrared")

_PAINTED = "painted://"
_KINDS = f"a video file, a folder of pictures, or {_PAINTED}?fps=30&width=640&height=480&seed=1"


def open_camera(address: str, role: Role, *, fps: float | None = None) -> Camera:
    """Open what an address names; infrared cameras give (H, W, 1), visible ones (H, W, 3), or (H, W, 1) gray pictures.

    fps: the rate at which a folder's pictures are stamped, 30 if not given; other kinds know their own.
    Raises CoconetError for an address of no known kind, and for a source that cannot be opened.
    """
    path = Path(address)
    gray = role == "infrared"
    if not address.startswith(_PAINTED) and path.is_dir():
        from runtime.replay import FolderCamera

        return FolderCamera(path, gray=gray) if fps is None else FolderCamera(path, fps=fps, gray=gray)
    if fps is not None:
        raise CoconetError(
            redacted(address),
            wanted="fps for a folder of pictures only",
            got=f"fps = {fps:g} for something else",
            remedy="Leave fps out: this kind of camera knows its own rate.",
        )
    if address.startswith(_PAINTED):
        from runtime.painted import PaintedCamera

        return PaintedCamera(role, _painted_settings(address))
    if path.is_file() and stamps_beside(path).is_file():
        from runtime.recording import RecordedCamera

        return RecordedCamera(path)
    if path.is_file():
        from runtime.replay import VideoCamera

        return VideoCamera(path, gray=gray)
    raise CoconetError(redacted(address), wanted=_KINDS, got="none of these", remedy="Check the address.")


def redacted(address: str) -> str:
    """Return an address fit to be shown: what stands before its last @, user and password, becomes ***."""
    secret, _, rest = address.rpartition("@")
    if ":" not in secret:
        return address
    scheme, separator, _ = secret.partition("://")
    return f"{scheme}://***@{rest}" if separator else f"***@{rest}"


def _painted_settings(address: str) -> PaintedSettings:
    from runtime.painted import PaintedSettings

    parts = urlsplit(address)
    if parts.netloc or parts.path:
        raise CoconetError(address, wanted=_KINDS, got=f"{parts.netloc}{parts.path}", remedy="Begin with painted://?")
    return checked(PaintedSettings, dict(parse_qsl(parts.query, keep_blank_values=True)), address)
