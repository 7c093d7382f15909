"""Addresses of topics in bags, `run.mcap#/thermal/image_raw`, and which files and folders are bags."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from coconet.media.naming.layouts import INFRARED_NAMES, VISIBLE_NAMES

BAG_SUFFIXES = (".mcap", ".db3", ".bag")
"""MCAP, ROS 2 in SQLite, and ROS 1; a ROS 2 bag is a folder of the first two as well."""

MCAP_SUFFIX = ".mcap"

UNFINISHED_BAG = (".unfinished", ".active")
"""What a recorder adds to a name while it writes: ours, and that of ROS 1."""

_INFRARED = frozenset({*INFRARED_NAMES, "flir", "boson", "lepton", "tau2", "seek", "optris", "tcam"}) - {"t", "inf"}

_VISIBLE = frozenset({*VISIBLE_NAMES, "image", "left", "main", "front"}) - {"w"}

_WORDS = re.compile(r"[a-z]+\d*|\d+")

METADATA, METADATA_KEY = "metadata.yaml", "rosbag2_bagfile_information"
"""The file that makes a folder a bag of ROS 2, and what it has all that it says under."""


@dataclass(frozen=True)
class BagAddress:
    """A bag and the topic in it, empty if none is named."""

    path: Path
    topic: str

    def __str__(self) -> str:
        return f"{self.path}#{self.topic}" if self.topic else str(self.path)


def split_bag(address: str) -> BagAddress | None:
    """The bag and the topic that an address names; None for the address of anything else.

    A name that holds a # is a bag's up to the first # after which it is one.
    """
    if "://" in address or "\0" in address:
        return None
    for place in (at for at, sign in enumerate(address) if sign == "#"):
        if is_bag(Path(address[:place])):
            return BagAddress(Path(address[:place]), address[place + 1 :])
    return BagAddress(Path(address), "") if is_bag(Path(address)) else None


def topic_side(topic: str) -> str:
    """The side that the name of a topic says, `infrared` or `visible`; empty if it says neither.

    A name that says both is infrared: `/thermal/image_raw` is an image, too.
    """
    words = set(_WORDS.findall(topic.lower()))
    return "infrared" if words & _INFRARED else "visible" if words & _VISIBLE else ""


def is_bag(path: Path) -> bool:
    """Whether a path is a bag by its ending, which need not be there, or is a folder that ROS 2 recorded."""
    name = path.name.lower()
    for ending in UNFINISHED_BAG:
        name = name.removesuffix(ending)
    return name.endswith(BAG_SUFFIXES) or is_bag_folder(path)


def is_bag_folder(path: Path) -> bool:
    """Whether a folder is a bag of ROS 2: its metadata.yaml says so."""
    with suppress(OSError, ValueError), (path / METADATA).open("rb") as file:
        return METADATA_KEY.encode() in file.read(4096)
    return False
