"""The two sides of a rig in one bag: the rig file it carries, or the topics whose names say what they show."""

from __future__ import annotations

import shlex
from contextlib import closing
from pathlib import Path

from coconet.errors import Refused
from coconet.media.naming.bag_names import BagAddress, topic_side
from coconet.runtime.ros.camera_info import transported
from coconet.runtime.ros.open_bag import open_bag


def two_sides(path: Path) -> tuple[str, str]:
    """The addresses of the visible and of the infrared topic of a bag.

    A topic that is there raw and compressed counts once, raw. Raises Refused, with the topics that there are, if
    names do not say which is which; what open_bag raises for what is no bag.
    """
    with closing(open_bag(path)) as bag:
        names = [topic.name for topic in bag.topics if topic.is_image]
    names = [name for name in names if transported(name) not in names]
    infrared = [name for name in names if topic_side(name) == "infrared"]
    others = [name for name in names if name not in infrared]
    visible = [name for name in others if topic_side(name) == "visible"]
    visible = others if len(others) == 1 else visible
    if len(infrared) == 1 and len(visible) == 1:
        return str(BagAddress(path, visible[0])), str(BagAddress(path, infrared[0]))
    shown = ", ".join(names) or "none"
    first = (visible or others or names or ["/visible"])[0]
    second = (infrared or [name for name in names if name != first] or ["/infrared"])[-1]
    both = shlex.join(["--visible", f"{path}#{first}", "--infrared", f"{path}#{second}"])
    raise Refused(
        path,
        wanted="one topic with infrared images and one with visible ones, by their names",
        got=f"the topics {shown}",
        remedy=f"Name both: {both}" if names else "Name a bag with images.",
        says=f"has the topics {shown}, whose names do not say which is infrared and which visible"
        if names
        else "has no topic with images",
    )


def attached_rig(path: Path) -> str | None:
    """The text of the rig file that coconet record has laid into an MCAP file; None of another bag."""
    if not path.is_file() or ".mcap" not in path.name.lower():
        return None
    from coconet.runtime.ros.mcap_bag import McapBag

    with closing(McapBag(path)) as bag:
        return bag.attachment("rig.toml")
