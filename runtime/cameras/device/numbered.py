"""Devices by number: 0 is /dev/video0, as viewers and OpenCV count them."""

from __future__ import annotations

import re
from pathlib import Path

from coconet.errors import Refused

_NUMBER = re.compile(r"[0-9]{1,3}")


def device_of(address: str) -> str:
    """The device that a bare number stands for; every other address as it is.

    Raises Refused for a number that is the name of a file or a folder here as well.
    """
    if _NUMBER.fullmatch(address) is None:
        return address
    device = f"/dev/video{int(address)}"
    if Path(address).exists():
        raise Refused(
            address,
            wanted="the number of a camera, or a path",
            got="both: something here has this name",
            remedy=f"For the camera say {device}, for the file ./{address}.",
            says="can be the number of a camera or the path of a file here",
        )
    return device
