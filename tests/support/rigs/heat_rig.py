"""A rig of folders whose infrared pictures are counts of known temperature, with two meters."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from coconet.media.pixels import RawPixels
from tests.support.media.heat_scenes import DISC


def heat_rig(folder: Path, infrared: Sequence[RawPixels], more: str = "") -> Path:
    """A folder of visible pictures of twice the size, one of counts, and the rig file with two meters."""
    for side in ("vis", "ir"):
        (folder / side).mkdir()
    for at, counts in enumerate(infrared):
        cv2.imwrite(str(folder / "ir" / f"{at}.png"), counts)
        cv2.imwrite(str(folder / "vis" / f"{at}.png"), np.full((120, 160, 3), 80, np.uint8))
    (folder / "rig.toml").write_text(f"""
[visible]
address = "vis"
[infrared]
address = "ir"
{more}
[infrared.temperature]
scheme = "lepton"
[[meter]]
name = "disc"
kind = "spot"
points_px = [[{2 * DISC[0]}, {2 * DISC[1]}]]
pixels = "visible"
[[meter]]
name = "coldest"
kind = "coldest"
""")
    return folder / "rig.toml"
