"""Bags of ROS 2, folders and SQLite files, and of ROS 1, read by rosbags."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath
from typing import Any

from coconet.errors import CoconetError, MissingPackage
from coconet.media.naming.bag_names import METADATA, METADATA_KEY
from coconet.runtime.ros.bag import AtDamage, Topic, reading_bag
from coconet.runtime.ros.messages import ros1_types, ros2_types

try:
    from rosbags.highlevel import AnyReader
    from ruamel.yaml import YAML
except ImportError as error:
    raise MissingPackage("rosbags", job="bags of ROS", extra="bags") from error

_COPY = "Copy or record it again."
_REINDEX = "Copy it again; if it was cut off, rosbag reindex writes a new index."


class RosBag:
    """A bag as ROS itself writes it. Bags from before ROS 2 Iron carry no definitions, and have the published ones."""

    def __init__(self, path: Path) -> None:
        """Open it. Raises CoconetError for one that is damaged, has lost its index, or is no bag."""
        self._path = path
        ros1 = ".bag" in path.name.lower() and path.is_file()
        types = ros1_types() if ros1 else ros2_types()
        with reading_bag(path, "its beginning or its index", _REINDEX if ros1 else _COPY):
            _check_parts(path)
            self._reader = AnyReader([path], default_typestore=types)
            self._reader.open()

    @property
    def topics(self) -> Sequence[Topic]:
        """Its topics, in the order of their names."""
        counts: dict[tuple[str, str], int] = {}
        for one in self._reader.connections:
            key = (one.topic, one.msgtype)
            counts[key] = counts.get(key, 0) + one.msgcount
        return [Topic(name, kind, count) for (name, kind), count in sorted(counts.items())]

    def messages(self, topic: str, at_damage: AtDamage) -> Iterator[tuple[int, Any]]:
        """The messages of a topic, as Bag says; what comes after damage is not read."""
        ours = [one for one in self._reader.connections if one.topic == topic]
        found = self._reader.messages(ours)
        while True:
            try:
                with reading_bag(self._path, f"a message of {topic}"):
                    entry = next(found, None)
                    if entry is None:
                        return
                    connection, log_ns, data = entry
                    message = self._reader.deserialize(data, connection.msgtype)
            except CoconetError as error:
                at_damage(error)
                return
            yield log_ns, message

    def close(self) -> None:
        """Close it."""
        if self._reader.stack is not None:
            self._reader.close()


def _check_parts(path: Path) -> None:
    """Raise CoconetError for a folder without one of the files that its metadata names."""
    if not path.is_dir():
        return
    metadata = YAML(typ="safe").load((path / METADATA).read_text())
    names = [PurePath(one).name for one in metadata[METADATA_KEY]["relative_file_paths"]]
    missing = [name for name in names if not (path / name).exists()]
    if not missing:
        return
    there = next((path / name for name in names if name not in missing), None)
    alone = f", or name a file that is there, which is a bag of its own: {there}" if there else ""
    raise CoconetError(
        path,
        wanted="a whole bag",
        got=f"one without {', '.join(missing)}",
        remedy=f"Copy the rest into the folder{alone}.",
        says=f"lacks {', '.join(missing)}, of which its {METADATA} tells",
    )
