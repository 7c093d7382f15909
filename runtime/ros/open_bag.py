"""Bags by their names: the one function that knows which kinds there are, and topics by theirs."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from coconet.errors import Refused
from coconet.files import existing_file
from coconet.media.naming.bag_names import BagAddress, is_bag_folder
from coconet.runtime.ros.bag import Bag, Topic

_SHOWN = 12


def open_bag(path: Path) -> Bag:
    """Open an MCAP file, a ROS 2 bag, which is a folder or a .db3 file, or a ROS 1 bag.

    Raises CoconetError for a file that is missing, or no bag.
    """
    name = path.name.lower()
    if not is_bag_folder(path):
        existing_file(path, "a bag")
        if ".mcap" in name:
            from coconet.runtime.ros.mcap_bag import McapBag

            return McapBag(path)
    from coconet.runtime.ros.ros_bag import RosBag

    return RosBag(path)


def topic_named(bag: Bag, address: BagAddress) -> Topic:
    """The topic that an address names; without a name the only one with images.

    Raises Refused, with the topics of the bag, for a name that is not there, and for one that has no images.
    """
    images = [topic.name for topic in bag.topics if topic.is_image]
    where, listed = str(address.path), _listed(images)
    if not address.topic:
        if len(images) == 1:
            return next(topic for topic in bag.topics if topic.is_image)
        got = "no topic" if images else f"a bag without images; it has {_listed([one.name for one in bag.topics])}"
        remedy = f"Name one: {address.path}#{images[0]}" if images else "Name another bag."
        raise Refused(where, wanted=f"a topic with images: {listed}", got=got, remedy=remedy)
    found = next((topic for topic in bag.topics if topic.name == address.topic), None)
    if found is None:
        near = get_close_matches(address.topic, images, 1, 0.0)
        remedy = f"Did you mean {address.path}#{near[0]}?" if near else "Name another bag."
        raise Refused(where, wanted=f"one of its topics with images: {listed}", got=address.topic, remedy=remedy)
    if not found.is_image:
        remedy = f"Name one of them: {address.path}#{images[0]}" if images else "Name another bag."
        got = f"{found.name} of type {found.type or 'unknown'}"
        raise Refused(where, wanted=f"a topic with images: {listed}", got=got, remedy=remedy)
    return found


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return (", ".join(names[:_SHOWN]) or "none") + more
