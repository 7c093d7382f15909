"""Bags by their names: the one function that knows which kinds there are, and topics by theirs."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from coconet.errors import CoconetError, ExitCode, Refused, ending_with
from coconet.files import existing_file
from coconet.media.naming.bag_names import BagAddress, is_bag_folder
from coconet.media.naming.mistaken_file import mistaken_file
from coconet.runtime.ros.bag import Bag, Topic

_SHOWN = 12

_ANOTHER = "Name another bag."


class NoSuchTopic(Refused):
    """A bag has no topic of a name, or none with images of it."""

    def __init__(self, path: Path, fault: str, listed: str, remedy: str) -> None:
        says = f"{fault}; topics with images: {listed}"
        super().__init__(path, wanted=f"a topic with images: {listed}", got=fault, remedy=remedy, says=says)


@ending_with(ExitCode.CAMERA)
def open_bag(path: Path) -> Bag:
    """Open an MCAP file, a ROS 2 bag, which is a folder or a .db3 file, or a ROS 1 bag.

    Raises CoconetError for a file that is missing, or no bag.
    """
    name = path.name.lower()
    if not is_bag_folder(path):
        existing_file(path, "a bag")
        _refuse_other_file(path, name)
        if ".mcap" in name:
            from coconet.runtime.ros.mcap_bag import McapBag

            return McapBag(path)
    from coconet.runtime.ros.ros_bag import RosBag

    return RosBag(path)


def _refuse_other_file(path: Path, name: str) -> None:
    """Say of a file that is no bag, or one of another kind than its name says, what it is."""
    found = mistaken_file(path, "mcap" if ".mcap" in name else "ros", "Copy or record it again.")
    if found is not None:
        wanted = "an MCAP file" if ".mcap" in name else "a bag of ROS"
        raise CoconetError(path, wanted=wanted, got=found[0], remedy=found[1], says=f"is {found[0]}; expected {wanted}")


def topic_named(bag: Bag, address: BagAddress) -> Topic:
    """The topic that an address names; without a name the only one with images.

    Raises Refused, with the topics of the bag, for a name that is not there, and for one that has no images.
    """
    images = [topic.name for topic in bag.topics if topic.is_image]
    path, listed = address.path, _listed(images)
    if not images:
        raise NoSuchTopic(path, f"has no images, but {_listed([one.name for one in bag.topics])}", listed, _ANOTHER)
    if not address.topic:
        if len(images) == 1:
            return next(topic for topic in bag.topics if topic.is_image)
        raise NoSuchTopic(path, "has several topics, and none is named", listed, f"Name one: {path}#{images[0]}")
    found = next((topic for topic in bag.topics if topic.name == address.topic), None)
    near = get_close_matches(address.topic, images, 1, 0.0)[0]
    if found is None:
        raise NoSuchTopic(path, f"has no topic {address.topic}", listed, f"Did you mean {path}#{near}?")
    if not found.is_image:
        kind = found.type or "an unknown type"
        raise NoSuchTopic(path, f"has no images in {found.name}, which is of type {kind}", listed, f"Try {path}#{near}")
    return found


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return (", ".join(names[:_SHOWN]) or "none") + more
