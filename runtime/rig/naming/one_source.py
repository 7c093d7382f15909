"""One source named for both cameras: by one address, by two names of a file, or by two files of one content."""

from __future__ import annotations

import filecmp
from pathlib import Path

from coconet.errors import Refused
from coconet.media.naming.bag_names import split_bag
from coconet.media.naming.picture_names import is_picture
from coconet.redaction import redact
from coconet.runtime.cameras.open_camera import is_folder, is_synthetic
from coconet.runtime.rig.rig_file import Rig


def one_source(rig: Rig) -> str:
    """Say what is given for both sides, as `day.mp4: one video is given for both sides`; empty if there are two.

    A folder of pairs, a radiometric picture and the synthetic street stand for both sides. Two videos are one if they
    are one file, or equal byte by byte.
    """
    visible, infrared = rig.visible.address, rig.infrared.address
    if is_synthetic(visible) or is_folder(visible) or is_picture(Path(visible)):
        return ""
    if visible == infrared:
        if "://" not in visible and split_bag(visible) is None and not Path(visible).exists():
            return ""  # which is what is said of it first
        named = redact(visible)
    elif "://" in visible or "://" in infrared or split_bag(visible) or split_bag(infrared):
        return ""
    elif _are_one(Path(visible), Path(infrared)):
        named = f"{redact(visible)} and {redact(infrared)}"
    else:
        return ""
    kind = "one video" if Path(visible).is_file() else "one camera"
    return f"{named}: {kind} is given for both sides"


def _are_one(first: Path, second: Path) -> bool:
    try:
        if first.samefile(second):
            return True
        return first.is_file() and second.is_file() and filecmp.cmp(first, second, shallow=False)
    except OSError:  # what is not there, or may not be read, is told where it is opened
        return False


def check_two_sources(rig: Rig) -> None:
    """Raise Refused if one source is given for both sides: how two cameras lie to each other cannot be found by it."""
    if found := one_source(rig):
        named, _, says = found.rpartition(": ")
        raise Refused(
            named,
            wanted="the visible camera and the infrared one",
            got="one source for both",
            remedy="Name the other camera in place of one of them.",
            says=f"cannot be both cameras: {says}",
        )
