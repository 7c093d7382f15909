"""The sheet of a run's meters: a line for every frame of recordings, and for those of live cameras it has time for."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from coconet.errors import Refused
from coconet.runtime.frame import FusedFrame
from coconet.runtime.heat.meter_sheet import MeterSheet, check_sheet
from coconet.runtime.rig.rig_file import Rig
from coconet.runtime.sinks.reserve_sink import DiskRoom, ReserveSink
from coconet.runtime.sinks.sink import CLIPPED, WHOLE
from coconet.runtime.sinks.writer_thread import SinkThread

if TYPE_CHECKING:
    from typing_extensions import Self


class MeterLog:
    """A context manager that writes what meters read in a thread of its own, from the first frame that is noted.

    A slow disk holds a run of recordings up, and costs a run of live cameras lines. The file is ended while its disk
    still has room. After an error in the block it stays under its unfinished name.
    """

    def __init__(self, path: Path, rig: Rig, reserve_mb: float | None = None) -> None:
        """Prepare to write `path`. reserve_mb: how much of the disk stays free, as spare_bytes takes it.

        Raises Refused for a rig without a thermometer and for a name of another ending, MissingPackage for Parquet
        without pyarrow.
        """
        if rig.infrared.temperature is None:
            raise Refused(
                "--meters",
                wanted="a rig whose infrared camera measures",
                got="no [infrared.temperature]",
                remedy="Add [infrared.temperature] and a [[meter]] to the rig file.",
                says="has nothing to write: the infrared camera of this rig does not measure",
            )
        check_sheet(path)
        self._path, self._reserve_mb = path, reserve_mb
        self._writer: SinkThread | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.__exit__(kind, error, trace)

    def note(self, frame: FusedFrame) -> None:
        """Take a frame. Raises what writing an earlier one has raised."""
        if self._writer is None:
            live = frame.capture_to_fused_ms is not None
            delivery = CLIPPED if live else WHOLE
            room = DiskRoom(self._path.parent, "end" if live else "fail", self._reserve_mb)
            sink = ReserveSink(lambda: MeterSheet(self._path, delivery), str(self._path), room, delivery=delivery)
            self._writer = SinkThread(sink)
            self._writer.start()
        self._writer.put(frame)
