"""Messages unpacked by the definitions that their bag carries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from coconet.errors import CoconetError, MissingPackage
from coconet.runtime.ros.messages import ROS1_NAMES, ros1_types, ros2_types

try:
    from rosbags.typesys import Stores, get_types_from_idl, get_types_from_msg, get_typestore
except ImportError as error:
    raise MissingPackage("rosbags", job="messages of ROS", extra="bags") from error

Unpack = Callable[[bytes], Any]

_ROS1, _ROS2 = "ros1", "cdr"


def type_name(name: str) -> str:
    """The name of a type as ROS 2 has it: sensor_msgs/Image is sensor_msgs/msg/Image."""
    return ROS1_NAMES.get(name, name)


def decoder(name: str, encoding: str, definition: str, language: str) -> Unpack:
    """What unpacks the messages of a type.

    encoding: cdr or ros1. definition: of the type in `language`, ros2msg, ros1msg or ros2idl; empty for the published
    one. Raises CoconetError for another encoding, and what rosbags raises for a definition that does not parse.
    """
    name = type_name(name)
    if encoding not in (_ROS1, _ROS2):
        raise CoconetError(
            name,
            wanted="messages of ROS 1 or ROS 2 (cdr)",
            got=f"the encoding {encoding[:40]!r}",
            remedy="Record the topics with ros2 bag record -s mcap.",
            says=f"has messages in the encoding {encoding[:40]!r}, which is neither ROS 1 nor ROS 2 (cdr)",
        )
    types = ros2_types() if encoding == _ROS2 else ros1_types()
    if definition.strip():
        types = get_typestore(Stores.EMPTY)
        types.register(get_types_from_idl(definition) if "idl" in language else get_types_from_msg(definition, name))
    unpack = types.deserialize_cdr if encoding == _ROS2 else types.deserialize_ros1
    return lambda data: unpack(data, name)
