"""Bags written by rosbags, and MCAP files by its own library, as other programs record them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mcap.writer import Writer as McapWriter
from rosbags.rosbag1 import Writer as Writer1
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from coconet.media.pixels import RawPixels

IMAGE, COMPRESSED, INFO = (f"sensor_msgs/msg/{name}" for name in ("Image", "CompressedImage", "CameraInfo"))

FIRST_NS = 1_764_000_000_123_456_789

STEP_NS = 33_333_333

TYPES, TYPES_1 = get_typestore(Stores.ROS2_HUMBLE), get_typestore(Stores.ROS1_NOETIC)

Messages = Mapping[str, Sequence[tuple[str, Any]]]
"""Topics, each with the types and messages that it has, one a step."""


def image(pixels: RawPixels, encoding: str, stamp_ns: int, *, big_endian: bool = False, padding: int = 0) -> Any:
    """A sensor_msgs/Image of (H, W, C) samples as they are, with padding after each row."""
    rows = np.ascontiguousarray(pixels).view(np.uint8).reshape(len(pixels), -1)
    rows = np.pad(rows, ((0, 0), (0, padding)))
    fields = {"height": len(pixels), "width": pixels.shape[1], "encoding": encoding, "is_bigendian": int(big_endian)}
    return TYPES.types[IMAGE](header=header(stamp_ns), step=rows.shape[1], data=rows.reshape(-1), **fields)


def compressed(data: bytes, form: str, stamp_ns: int) -> Any:
    """A sensor_msgs/CompressedImage."""
    return TYPES.types[COMPRESSED](header=header(stamp_ns), format=form, data=np.frombuffer(data, np.uint8))


def camera_info(k: Iterable[float], d: Iterable[float], model: str = "plumb_bob") -> Any:
    """A sensor_msgs/CameraInfo of a 640x512 camera; its projection matrix halves the focal length."""
    matrix = np.array(list(k), np.float64)
    projection = np.insert(matrix.reshape(3, 3), 3, 0, axis=1) * [[0.5], [0.5], [1]]
    region = TYPES.types["sensor_msgs/msg/RegionOfInterest"](0, 0, 0, 0, False)
    return TYPES.types[INFO](
        header=header(FIRST_NS),
        height=512,
        width=640,
        distortion_model=model,
        d=np.array(list(d), np.float64),
        k=matrix,
        r=np.eye(3).reshape(-1),
        p=projection.reshape(-1),
        binning_x=0,
        binning_y=0,
        roi=region,
    )


def header(stamp_ns: int, frame_id: str = "camera") -> Any:
    """A std_msgs/Header."""
    stamp = TYPES.types["builtin_interfaces/msg/Time"](*divmod(stamp_ns, 10**9))
    return TYPES.types["std_msgs/msg/Header"](stamp, frame_id)


def stamp(step: int) -> int:
    """The stamp of a step, in nanoseconds."""
    return FIRST_NS + step * STEP_NS


def two_cameras(count: int = 4, height: int = 32, width: int = 48) -> Messages:
    """Frames of a colour camera and of one with counts, 7 ns apart."""
    rng = np.random.default_rng(1)
    colours = [rng.integers(0, 256, (height, width, 3), np.uint8) for _ in range(count)]
    counts = [rng.integers(7000, 9000, (height, width, 1), np.uint16) for _ in range(count)]
    return {
        "/camera/image_raw": [(IMAGE, image(one, "bgr8", stamp(at))) for at, one in enumerate(colours)],
        "/thermal/image_raw": [(IMAGE, image(one, "mono16", stamp(at) + 7)) for at, one in enumerate(counts)],
    }


def write_bag(path: Path, topics: Messages, kind: str = "mcap") -> Path:
    """Write a ROS 2 bag, a folder, with `mcap` or `sqlite3` in it; times of recording are 1 ms after the stamps."""
    plugin = StoragePlugin.MCAP if kind == "mcap" else StoragePlugin.SQLITE3
    with Writer(path, version=9, storage_plugin=plugin) as writer:
        channels = {
            name: writer.add_connection(name, entries[0][0], typestore=TYPES) for name, entries in topics.items()
        }
        for at, name, kind_of, message in _in_turns(topics):
            writer.write(channels[name], stamp(at) + 10**6, TYPES.serialize_cdr(message, kind_of))
    return path


def write_mcap(path: Path, topics: Messages) -> Path:
    """Write one MCAP file: that of a ROS 2 bag."""
    folder = write_bag(path.with_suffix(".folder"), topics)
    (part,) = folder.glob("*.mcap")
    return part.rename(path)


def write_mcap_itself(path: Path, topics: Messages, **options: Any) -> Path:
    """Write an MCAP file with MCAP's own library; options: of its Writer."""
    with path.open("wb") as file:
        writer: Any = McapWriter(file, **options)
        writer.start("ros2")
        channels: dict[str, Any] = {}
        for name, entries in topics.items():
            definition, _ = TYPES.generate_msgdef(entries[0][0], ros_version=2)
            schema = writer.register_schema(entries[0][0], "ros2msg", definition.encode())
            channels[name] = writer.register_channel(name, "cdr", schema)
        for at, name, kind, message in _in_turns(topics):
            data = bytes(TYPES.serialize_cdr(message, kind))
            writer.add_message(channels[name], stamp(at) + 10**6, data, stamp(at))
        writer.finish()
    return path


def write_ros1(path: Path, topics: Messages) -> Path:
    """Write a ROS 1 bag."""
    with Writer1(path) as writer:
        for name, entries in topics.items():
            kind = entries[0][0]
            channel = writer.add_connection(name, kind, typestore=TYPES_1)
            for at, (_, message) in enumerate(entries):
                data = TYPES_1.serialize_ros1(_as_ros1(message), kind)
                writer.write(channel, stamp(at) + 10**6, data)
    return path


def _in_turns(topics: Messages) -> Iterator[tuple[int, str, str, Any]]:
    """The step, the topic, the type and the message of each, one step after another."""
    for at in range(max(map(len, topics.values()))):
        yield from ((at, name, *entries[at]) for name, entries in topics.items() if at < len(entries))


def _as_ros1(message: Any) -> Any:
    fields = {name: getattr(message, name) for name in message.__dataclass_fields__ if name != "__msgtype__"}
    before = message.header
    time = TYPES_1.types["builtin_interfaces/msg/Time"](before.stamp.sec, before.stamp.nanosec)
    if message.__msgtype__ == INFO:
        fields = {name.upper() if len(name) == 1 else name: value for name, value in fields.items()}
        fields["roi"] = TYPES_1.types["sensor_msgs/msg/RegionOfInterest"](0, 0, 0, 0, False)
    fields["header"] = TYPES_1.types["std_msgs/msg/Header"](0, time, before.frame_id)
    return TYPES_1.types[message.__msgtype__](**fields)
