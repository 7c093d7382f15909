"""What meters read, beside a run: a line for every frame, as CSV or Parquet, under its name once it is whole."""

from __future__ import annotations

import csv
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from coconet.errors import MissingPackage, Refused
from coconet.event_log import warn_once
from coconet.files import free_name, give_name, unfinished, writing_to
from coconet.runtime.clock import monotonic_ns
from coconet.runtime.frame import FusedFrame
from coconet.runtime.sinks.sink import WHOLE, Delivery
from coconet.writing.held import check_not_held
from coconet.writing.sole_writer import hold_made

if TYPE_CHECKING:
    from coconet.runtime.heat.reading import Reading

SUFFIXES = (".csv", ".parquet")

_HEAD = ("frame", "timestamp_s", "utc")

_FIELDS = ("value", "min", "mean", "max", "share_above", "blind")

_ROWS = 512  # of a group of Parquet, and of what a kill may lose; CSV is flushed as often as a second passes

_FLUSH_S = 1.0

Row = dict[str, Any]


class MeterSheet:
    """A sink for what meters read: `frame`, `timestamp_s` and `utc` of the infrared frame, then six columns a meter.

    utc is empty for recordings, whose stamps say nothing of the time of day. If other meters are read, the next file,
    NAME-2, begins. While it is written a file is NAME.unfinished, and it stays that after an error.
    """

    def __init__(self, path: Path, delivery: Delivery = WHOLE) -> None:
        """Write to `path`. Raises what check_sheet raises."""
        check_sheet(path)
        self.name, self.delivery = str(path), delivery
        self._path = path
        self._columns: tuple[str, ...] = ()
        self._file: _Table | None = None
        self._written: Path | None = None
        self._lock: int | None = None

    def write(self, frame: FusedFrame) -> None:
        """Append the line of a frame; of one without meters, nothing."""
        heat, infrared = frame.pair.heat, frame.pair.raw_infrared
        if heat is None or infrared is None or not heat.readings:
            return
        columns = _columns_of(heat.readings)
        if columns != self._columns or self._file is None:
            self._begin(columns)
        live = frame.capture_to_fused_ms is not None
        row: Row = {"frame": infrared.index, "timestamp_s": infrared.timestamp_ns / 1e9}
        row["utc"] = _utc(monotonic_ns(infrared)) if live else None
        for reading in heat.readings:
            row |= {f"{reading.name} {field}": getattr(reading, field) for field in _FIELDS}
        if self._file is not None and self._written is not None:
            with writing_to(self._written):
                self._file.add(row)

    def close(self) -> None:
        """Finish the file and give it its name."""
        file, self._file = self._file, None
        if file is not None and self._written is not None:
            with writing_to(self._written):
                file.close()
                give_name(unfinished(self._written), self._written)
            self._unlock()

    def discard(self) -> None:
        """Let go of the file, which stays under its unfinished name."""
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):
                file.close()
            self._unlock()

    def _unlock(self) -> None:
        lock, self._lock = self._lock, None
        if lock is not None:
            os.close(lock)

    def _begin(self, columns: tuple[str, ...]) -> None:
        self.close()
        self._written = self._path if self._written is None else free_name(self._path)
        self._columns = columns
        kind = _ParquetTable if self._path.suffix.lower() == ".parquet" else _CsvTable
        with writing_to(self._written):
            scratch = unfinished(self._written)
            _recover(self._written, scratch)
            scratch.touch(mode=0o644, exist_ok=False)
            self._file = kind(scratch, columns)
            self._lock = hold_made(scratch, self._written)


def _recover(path: Path, scratch: Path) -> None:
    """Keep what a run of the same name that broke off has left: CSV up to there, Parquet as it is, without its end.

    Raises CoconetError while another run writes it.
    """
    if not scratch.is_file():
        return
    check_not_held(scratch, path)
    if path.suffix.lower() == ".csv":
        kept = scratch.rename(free_name(path, "recovered"))
    else:
        kept = scratch.rename(unfinished(free_name(path, "damaged")))
    warn_once(f"a run that broke off had left {scratch.name}; what was in it is {kept.name} now.")


def check_sheet(path: Path) -> None:
    """Refuse a name of another ending, before a run; MissingPackage for Parquet without pyarrow."""
    if path.suffix.lower() not in SUFFIXES:
        wanted = " or ".join(f"a name that ends in {suffix}" for suffix in SUFFIXES)
        raise Refused(
            path,
            wanted=wanted,
            got="another ending",
            remedy="For example --meters meters.csv",
            says=f"{f'ends in {path.suffix}' if path.suffix else 'has no ending'}; a sheet of meters ends in "
            f"{' or '.join(SUFFIXES)}",
        )
    if path.suffix.lower() == ".parquet":
        _parquet()


class _Table(Protocol):
    """A file of rows."""

    def add(self, row: Row) -> None:
        """Append a row."""

    def close(self) -> None:
        """Finish the file."""


class _CsvTable:
    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self._file = path.open("w", newline="", encoding="utf-8")
        self._table = csv.DictWriter(self._file, columns)
        self._table.writeheader()
        self._flushed_s = 0.0

    def add(self, row: Row) -> None:
        self._table.writerow(row)
        if time.monotonic() - self._flushed_s >= _FLUSH_S:
            self._file.flush()
            self._flushed_s = time.monotonic()

    def close(self) -> None:
        self._file.close()


class _ParquetTable:
    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        arrow, parquet = _parquet()
        kinds = {"frame": arrow.int64(), "utc": arrow.string()}
        fields = [
            (one, kinds.get(one, arrow.string() if one.endswith(" blind") else arrow.float64())) for one in columns
        ]
        self._arrow, self._schema, self._rows = arrow, arrow.schema(fields), list[Row]()
        self._writer = parquet.ParquetWriter(str(path), self._schema)

    def add(self, row: Row) -> None:
        self._rows.append(row)
        if len(self._rows) >= _ROWS:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._rows:
            self._writer.write_table(self._arrow.Table.from_pylist(self._rows, schema=self._schema))
            self._rows.clear()


def _parquet() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingPackage("pyarrow", job="writing Parquet", extra="parquet") from error
    return pyarrow, pyarrow.parquet


def _columns_of(readings: Sequence[Reading]) -> tuple[str, ...]:
    return (*_HEAD, *(f"{reading.name} {field}" for reading in readings for field in _FIELDS))


def _utc(timestamp_ns: int) -> str:
    """The time of day of a stamp of this machine's monotonic clock."""
    moment = time.time() - (time.monotonic_ns() - timestamp_ns) / 1e9
    return datetime.fromtimestamp(moment, timezone.utc).isoformat(timespec="milliseconds")
