"""Messages of ROS 2, made, packed and described by their published definitions, without ROS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from coconet.errors import CoconetError, MissingPackage

try:
    from rosbags.typesys import Stores, get_typestore
    from rosbags.typesys.store import Typestore
except ImportError as error:
    raise MissingPackage("rosbags", job="bags and messages of ROS", extra="bags") from error

IMAGE, COMPRESSED = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"

CAMERA_INFO = "sensor_msgs/msg/CameraInfo"

DIAGNOSTICS = "diagnostic_msgs/msg/DiagnosticArray"

NUMBER = "std_msgs/msg/Float64"

_SECOND_NS = 10**9

_MOST_SECONDS = 2**31 - 1

OK, WARN = 0, 1
"""Levels of a DiagnosticStatus."""


@cache
def ros2_types() -> Typestore:
    """The definitions of the messages that come with ROS 2; those used here are the same in every distribution."""
    return get_typestore(Stores.LATEST)


@cache
def ros1_types() -> Typestore:
    """The definitions of the messages that come with ROS 1."""
    return get_typestore(Stores.ROS1_NOETIC)


def make(name: str, /, **fields: Any) -> Any:
    """A message of a type, such as sensor_msgs/msg/Image, of all its fields."""
    return ros2_types().types[name](**fields)


Make = Callable[..., Any]
"""Makes a message of a type of its fields, as `make` does, or of the classes that ROS itself has."""


def header(stamp_ns: int, frame_id: str, make: Make = make) -> Any:
    """A std_msgs/msg/Header. Before 1970, where its seconds would be negative, it is at 1970.

    Raises CoconetError after 2038, which its 32 bits of seconds do not reach.
    """
    seconds, nanoseconds = divmod(max(0, stamp_ns), _SECOND_NS)
    if seconds > _MOST_SECONDS:
        raise CoconetError(
            "timestamp_ns",
            wanted="nanoseconds, of a time before 2038",
            got=f"{seconds} s",
            remedy="Stamp frames with nanoseconds, of time.monotonic_ns() or of time.time_ns().",
            says=f"is {seconds} s, which no message of ROS can hold: its seconds end in 2038",
        )
    stamp = make("builtin_interfaces/msg/Time", sec=seconds, nanosec=nanoseconds)
    return make("std_msgs/msg/Header", stamp=stamp, frame_id=frame_id)


def stamp_of(message: Any) -> int:
    """The header's stamp in nanoseconds; 0 if none was set, or the message has no header."""
    stamp = getattr(getattr(message, "header", None), "stamp", None)
    return 0 if stamp is None else int(stamp.sec) * _SECOND_NS + int(stamp.nanosec)


def frame_id_of(message: Any) -> str:
    """The header's frame_id; empty if none was set, or the message has no header."""
    return str(getattr(getattr(message, "header", None), "frame_id", ""))


def pack(name: str, message: Any) -> bytes:
    """The message as CDR, the bytes that ROS 2 sends and records."""
    return bytes(ros2_types().serialize_cdr(message, name))


@cache
def definition_of(name: str) -> str:
    """The definition of a type with those of all types in it, as bags carry it (ros2msg)."""
    text, _ = ros2_types().generate_msgdef(name, ros_version=2)
    return str(text)


def diagnostics(stamp_ns: int, name: str, trouble: str, values: Mapping[str, object], make: Make = make) -> Any:
    """A DiagnosticArray of one status: OK without a trouble, WARN with one, and what the status says in numbers."""
    pairs = [make("diagnostic_msgs/msg/KeyValue", key=key, value=str(value)) for key, value in values.items()]
    status = make(
        "diagnostic_msgs/msg/DiagnosticStatus",
        level=WARN if trouble else OK,
        name=name,
        message=trouble or "both cameras are live",
        hardware_id="",
        values=pairs,
    )
    return make(DIAGNOSTICS, header=header(stamp_ns, "", make), status=[status])


ROS1_NAMES: Mapping[str, str] = MappingProxyType(
    {name.replace("/msg/", "/"): name for name in (IMAGE, COMPRESSED, CAMERA_INFO)}
)
"""What ROS 1 calls the types that are read."""
