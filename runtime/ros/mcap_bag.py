"""An MCAP file, read by its index, or from its beginning where that is missing, as after a crash."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from coconet.errors import CoconetError, MissingPackage, counted
from coconet.runtime.ros.bag import AtDamage, CutOff, Topic, damaged, reading_bag
from coconet.runtime.ros.decoder import Unpack, decoder, type_name

try:
    from mcap.data_stream import ReadDataStream
    from mcap.exceptions import EndOfFile, InvalidMagic
    from mcap.reader import SeekingReader
    from mcap.records import Channel, Chunk, ChunkIndex, McapRecord, Message, Schema
    from mcap.stream_reader import StreamReader, breakup_chunk
    from mcap.summary import Summary
except ImportError as error:
    raise MissingPackage("mcap", job="MCAP files", extra="bags") from error

_LARGEST_CHUNK = 1 << 31

_LOOKED_AT = 1 << 28
"""Bytes of a file without an index that are read for its topics: recorders announce them at the beginning."""

_BEFORE_RECORD = 9  # its kind and its length


class McapBag:
    """A bag as MCAP; frames of a chunk that fails its checksum are damage, and those after it are read."""

    def __init__(self, path: Path) -> None:
        """Open a file. Raises CoconetError for what is no MCAP."""
        self._path, self._file = path, _WholeReads(path)
        self._schemas: dict[int, Schema] = {}
        self._channels: dict[int, Channel] = {}
        self._unpack: dict[int, Unpack] = {}
        try:
            self._summary = self._indexed()
            if self._summary is None:
                self._look_for_topics()
        except BaseException:
            self.close()
            raise

    @property
    def topics(self) -> Sequence[Topic]:
        """Its topics, in the order of their names."""
        counts = self._counts()
        found: dict[str, Topic] = {}
        for number, channel in self._channels.items():
            schema = self._schemas.get(channel.schema_id)
            other, count = found.get(channel.topic), counts.get(number, 0) if counts is not None else None
            total = count if other is None or other.count is None or count is None else other.count + count
            kind = type_name(schema.name) if schema is not None else ""
            found[channel.topic] = Topic(channel.topic, kind, total)
        return [found[name] for name in sorted(found)]

    def messages(self, topic: str, at_damage: AtDamage) -> Iterator[tuple[int, Any]]:
        """The messages of a topic, as Bag says: by the index those of its chunks, otherwise all are looked through."""
        given = 0
        try:
            for record in self._records(topic, at_damage):
                self._note(record)
                if not isinstance(record, Message) or self._channels[record.channel_id].topic != topic:
                    continue
                with reading_bag(self._path, f"a message of {topic}"):
                    message = self._decoder_of(record.channel_id)(record.data)
                given += 1
                yield record.log_time, message
        except EndOfFile:
            at_damage(CutOff(self._path, given, topic))

    def attachment(self, name: str) -> str | None:
        """The text of an attachment, of a file with an index; None if there is none of that name."""
        if self._summary is None:
            return None
        with reading_bag(self._path, f"the attachment {name}"):
            found = SeekingReader(self._file, record_size_limit=self._file.size).iter_attachments()
            return next((one.data.decode() for one in found if one.name == name), None)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _records(self, topic: str, at_damage: AtDamage) -> Iterator[McapRecord]:
        if self._summary is None or not self._summary.chunk_indexes:
            yield from self._linear(at_damage)
            return
        ours = {number for number, channel in self._channels.items() if channel.topic == topic}
        chunks = (one for one in self._summary.chunk_indexes if _may_hold(one, ours))
        for index in sorted(chunks, key=lambda one: one.chunk_start_offset):
            self._file.seek(index.chunk_start_offset + _BEFORE_RECORD)
            try:
                with reading_bag(self._path, f"the messages from byte {index.chunk_start_offset} on"):
                    chunk = Chunk.read(ReadDataStream(self._file))
            except CoconetError as error:
                at_damage(error)
                continue
            yield from self._inside(chunk, at_damage)

    def _linear(self, at_damage: AtDamage) -> Iterator[McapRecord]:
        """All records from the beginning on; raises EndOfFile at an end that comes too early."""
        self._file.seek(0)
        records = StreamReader(self._file, emit_chunks=True, record_size_limit=None).records
        while True:
            try:
                record = next(records, None)
            except EndOfFile:
                raise
            except Exception as error:
                at_damage(damaged(self._path, f"what stands before byte {self._file.tell()}", error))
                return  # whatever comes then, it is not known where it begins
            if record is None:
                return
            if isinstance(record, Chunk):
                yield from self._inside(record, at_damage)
            else:
                yield record

    def _inside(self, chunk: Chunk, at_damage: AtDamage) -> Iterator[McapRecord]:
        """The records of a chunk in the order they were recorded, which is that of the sender for each topic."""
        try:
            with reading_bag(self._path, f"messages that end before byte {self._file.tell()}"):
                if chunk.uncompressed_size > _LARGEST_CHUNK:
                    raise ValueError(f"a chunk of {chunk.uncompressed_size} bytes")
                records = breakup_chunk(chunk, validate_crc=True)
        except CoconetError as error:
            at_damage(error)
            return
        yield from records

    def _note(self, record: McapRecord) -> None:
        if isinstance(record, Schema):
            self._schemas[record.id] = record
        elif isinstance(record, Channel):
            self._channels[record.id] = record

    def _indexed(self) -> Summary | None:
        """The summary at the end; None if there is none that names the channels, as in a file that was cut off."""
        try:
            summary = SeekingReader(self._file, record_size_limit=self._file.size).get_summary()
        except InvalidMagic as error:
            self._file.seek(0)
            if self._file.read(1) != b"\x89":
                remedy = "Name an MCAP file, a folder that ros2 bag wrote, a .db3 file, or a .bag of ROS 1."
                got = "an empty file" if not self._file.size else "other bytes"
                raise CoconetError(
                    self._path,
                    wanted="an MCAP file",
                    got=got,
                    remedy=remedy,
                    says=f"is {'empty' if not self._file.size else 'not an MCAP file'}",
                ) from error
            return None
        except Exception:  # whatever damaged bytes come to; the file itself may be whole
            return None
        if summary is None or not summary.channels:
            return None
        self._schemas.update(summary.schemas)
        self._channels.update(summary.channels)
        return summary

    def _look_for_topics(self) -> None:
        damage: list[CoconetError] = []
        try:
            for record in self._linear(damage.append):
                self._note(record)
                if self._file.tell() > _LOOKED_AT:
                    break
        except EndOfFile:
            pass
        if not self._channels:
            raise (
                damage[0]
                if damage
                else CoconetError(
                    self._path,
                    wanted="a bag with messages",
                    got=f"{counted(self._file.size, 'byte')} without one",
                    remedy="Copy or record it again.",
                    says="has no messages in it",
                )
            )

    def _counts(self) -> dict[int, int] | None:
        statistics = None if self._summary is None else self._summary.statistics
        return None if statistics is None else dict(statistics.channel_message_counts)

    def _decoder_of(self, channel_id: int) -> Unpack:
        if channel_id not in self._unpack:
            channel = self._channels[channel_id]
            schema = self._schemas[channel.schema_id]
            text = schema.data.decode()
            self._unpack[channel_id] = decoder(schema.name, channel.message_encoding, text, schema.encoding)
        return self._unpack[channel_id]


def _may_hold(index: ChunkIndex, channels: set[int]) -> bool:
    """Whether a chunk has messages of some channels; one without an index of its own may have any."""
    return not index.message_index_offsets or not channels.isdisjoint(index.message_index_offsets)


class _WholeReads(io.BufferedReader):
    """A file whose `read` gives as many bytes as it is asked for, or raises EndOfFile; no more memory than bytes."""

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path))
        self.size = path.stat().st_size

    def read(self, length: int | None = -1, /) -> bytes:
        if length is not None and length > self.size - self.tell():
            raise EndOfFile
        return super().read(length)
