"""An MCAP file of ROS 2 messages that grows under its unfinished name, and gets its own when it is whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import Any

from coconet.errors import CoconetError, MissingPackage
from coconet.files import check_replaceable, give_name, unfinished, writing_to
from coconet.runtime.ros.messages import definition_of, pack
from coconet.writing.recovery import NothingReadable, recover
from coconet.writing.sole_writer import hold_made

try:
    from mcap.exceptions import McapError
    from mcap.records import Attachment, Channel, Message, Schema
    from mcap.stream_reader import StreamReader
    from mcap.writer import CompressionType, Writer
except ImportError as error:
    raise MissingPackage("mcap", job="MCAP files", extra="bags") from error

_CHUNK = 1 << 20
"""Bytes after which a chunk is compressed and written: what a crash may cost at most, beside one message."""


class McapFile:
    """Writes messages as NAME.unfinished and gives it its name at `close`; any thread may write.

    However the program ends, the unfinished file holds every chunk that was full (recover_mcap).
    """

    def __init__(self, path: Path) -> None:
        """Begin a file. Raises CoconetError if it cannot be written, and while another process writes it."""
        self.path, self._lock = path, Lock()
        with writing_to(path):
            check_replaceable(path)
            self._target = Path(os.path.realpath(path))
            self._scratch = unfinished(self._target)
            recover_mcap(self._target)
            self._scratch.touch(mode=0o644, exist_ok=False)
            self._held: int | None = hold_made(self._scratch, path)
            self._file = self._scratch.open("wb")
            self._writer = _begun(self._file)
        self._channels: dict[str, int] = {}
        self.messages = 0

    def attach(self, name: str, text: str) -> None:
        """Lay a text into the file, as an attachment."""
        with self._lock, self._disk():
            self._writer.add_attachment(0, 0, name, "text/plain", text.encode())

    def write(self, topic: str, kind: str, message: Any, time_ns: int, sequence: int = 0) -> None:
        """Append a message of a type, such as sensor_msgs/msg/Image, at a time. Raises CoconetError of a full disk."""
        data = pack(kind, message)
        with self._lock, self._disk():
            if topic not in self._channels:
                schema = self._writer.register_schema(kind, "ros2msg", definition_of(kind).encode())
                self._channels[topic] = self._writer.register_channel(topic, "cdr", schema)
            time_ns = max(0, time_ns)
            self._writer.add_message(self._channels[topic], time_ns, data, time_ns, sequence % (1 << 32))
            self._file.flush()
            self.messages += 1

    def close(self) -> None:
        """Finish the file and give it its name; a second call does nothing. One without messages is left out."""
        if self._held is None:
            return
        try:
            with self._disk():
                self._writer.finish()
                self._file.close()
            with writing_to(self.path):
                if self.messages:
                    give_name(self._scratch, self._target)
                else:
                    self._scratch.unlink()
        finally:
            self._release()

    def abandon(self) -> None:
        """Leave what was written under its unfinished name, and nothing if that is no message."""
        if self._held is None:
            return
        with suppress(OSError):
            self._writer.finish()
        with suppress(OSError):
            self._file.close()
        if not self.messages:
            self._scratch.unlink(missing_ok=True)
        self._release()

    @property
    def size_bytes(self) -> int:
        """How much of the file is on the disk already; 0 once it is closed."""
        return 0 if self._held is None else os.fstat(self._held).st_size

    def _release(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            os.close(held)

    @contextmanager
    def _disk(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise CoconetError(
                self.path,
                wanted="a disk that takes more",
                got=error.strerror or str(error),
                remedy=f"Free space. What was written before is in {self._scratch.name}, which is read.",
                says=f"cannot be written: {error.strerror or error}",
            ) from error


def recover_mcap(path: Path, name: Path | None = None) -> Path | None:
    """Make a whole file of what a run that broke off has left of `path`, as `recover` says."""
    return recover(path, name, _copy)


def _copy(source: Path, target: Path) -> None:
    """Copy the messages that can be read into a whole file."""
    with source.open("rb") as cut, target.open("wb") as out:
        if not _copy_records(StreamReader(cut), _begun(out)):
            raise NothingReadable


def _copy_records(reader: StreamReader, writer: Any) -> int:
    """Copy what can be read; give the number of messages."""
    schemas, channels, count = {0: 0}, dict[int, int](), 0
    with suppress(McapError, ValueError, LookupError, EOFError, MemoryError):
        for record in reader.records:
            if isinstance(record, Schema):
                schemas[record.id] = writer.register_schema(record.name, record.encoding, record.data)
            elif isinstance(record, Channel) and record.id not in channels:
                schema = schemas[record.schema_id]
                channels[record.id] = writer.register_channel(record.topic, record.message_encoding, schema)
            elif isinstance(record, Attachment):
                writer.add_attachment(0, 0, record.name, record.media_type, record.data)
            elif isinstance(record, Message):
                channel = channels[record.channel_id]
                writer.add_message(channel, record.log_time, record.data, record.publish_time, record.sequence)
                count += 1
    writer.finish()
    return count


def _begun(file: Any) -> Any:
    writer = Writer(file, chunk_size=_CHUNK, compression=CompressionType.ZSTD)
    writer.start(profile="ros2", library="coconet-edge")
    return writer
