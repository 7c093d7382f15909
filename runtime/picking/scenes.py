"""Other scenes of a rig: pairs further on in its recordings, which a candidate is held to its limits on as well."""

from __future__ import annotations

import stat
from itertools import islice
from pathlib import Path

from coconet.errors import CoconetError
from coconet.media.naming.bag_names import split_bag
from coconet.runtime.cameras.open_camera import is_recorded
from coconet.runtime.frame import FramePair
from coconet.runtime.rig.open_rig import open_rig
from coconet.runtime.rig.rig_file import Rig

MOST = 3
"""How many pairs further on are looked at."""

EVERY = 20
"""How many pairs lie between them: less than a second of video is much alike, and every pair has to be decoded."""


def scenes_of(rig: Rig, *, laid: bool = True) -> list[FramePair]:
    """Pairs of two recordings that come after the first one, prepared as the loop prepares them; at most MOST.

    Videos, folders and bags are opened once more for it. None of live cameras and pipes, whose pictures come once, and
    none if a recording cannot be read, which the run itself says. laid: whether infrared pictures are laid onto the
    visible ones.
    """
    if not all(_is_read_again(one.address) for one in (rig.visible, rig.infrared)):
        return []
    try:
        with open_rig(rig.model_copy(update={"realtime": False})) as stream:
            if not laid:
                stream.leave_alignment_to_model()
            return [pair for pair in islice(stream, EVERY, EVERY * MOST + 1, EVERY) if not pair.missing]
    except CoconetError:
        return []


def _is_read_again(address: str) -> bool:
    """Whether what is read of an address once is there a second time."""
    try:
        bag = split_bag(address)
        mode = (Path(address) if bag is None else bag.path).stat().st_mode
        return is_recorded(address) and (stat.S_ISREG(mode) or stat.S_ISDIR(mode))
    except OSError:
        return False
