"""A sink in its thread: order, losses, errors, and an end that does not hang."""

from __future__ import annotations

from threading import Event
from threading import enumerate as all_threads

import pytest

from coconet.errors import CoconetError, ExitCode
from coconet.runtime.frame import FusedFrame
from coconet.runtime.sinks.sink import Delivery
from coconet.runtime.sinks.writer_thread import SinkThread
from coconet.runtime.threads.queue_thread import Bounds
from tests.support.media.frames import fused_frame
from tests.support.programs.patience import PATIENCE_S
from tests.support.rigs.live_rig import until
from tests.support.rigs.loop_ends import Shelf

PATIENT = Delivery(Bounds(4), PATIENCE_S)
HASTY = Delivery(Bounds(16, "drop newest"), patience_s=0.05)


class Held(Shelf):
    """A sink that takes nothing until it may."""

    name = "rtsp://there"

    def __init__(self, fails_at: int | None = None) -> None:
        super().__init__(fails_at)
        self.may, self.busy = Event(), Event()

    def write(self, frame: FusedFrame) -> None:
        self.busy.set()
        self.may.wait()
        super().write(frame)


def test_every_frame_is_written_in_order_before_the_sink_is_closed() -> None:
    shelf, times = Shelf(), list[float]()
    with SinkThread(shelf, lambda _queued_ms, write_ms: times.append(write_ms), PATIENT) as writer:
        assert all(writer.put(fused_frame(index)) for index in range(40))
    assert [frame.pair.visible.index for frame in shelf.frames] == list(range(40))
    assert (shelf.ends, writer.written, writer.dropped, len(times)) == (["closed"], 40, 0, 40)


def test_a_slow_sink_that_may_lose_frames_loses_the_newest_and_counts_them() -> None:
    sink = Held()
    with SinkThread(sink, delivery=Delivery(Bounds(16, "drop newest"), PATIENCE_S)) as writer:
        assert writer.put(fused_frame(0))
        sink.busy.wait()
        assert all(writer.put(fused_frame(index)) for index in range(1, 50))
        assert writer.dropped == 50 - 17
        sink.may.set()
    assert [frame.pair.visible.index for frame in sink.frames] == list(range(17))


def test_a_sink_that_is_stuck_is_named_and_left_alone() -> None:
    sink = Held()
    writer = SinkThread(sink, delivery=HASTY)
    writer.start()
    writer.put(fused_frame())
    sink.busy.wait()
    with pytest.raises(CoconetError, match="rtsp://there has been stuck for 0.05 s") as stuck:
        writer.close()
    assert (stuck.value.exit_code, sink.ends) == (ExitCode.OUTPUT, [])
    writer.discard()
    assert sink.ends == []
    sink.may.set()


def test_an_error_of_the_sink_comes_out_of_the_next_put_and_discards_it() -> None:
    shelf = Shelf(fails_at=1)
    writer = SinkThread(shelf, delivery=PATIENT)

    def put_on_and_on() -> None:
        with writer:
            while writer.put(fused_frame()):
                pass

    with pytest.raises(CoconetError, match="has no space") as full:
        put_on_and_on()
    assert (full.value.exit_code, shelf.ends, writer.written) == (ExitCode.OUTPUT, ["discarded"], 1)


def test_an_unexpected_error_comes_out_of_the_end() -> None:
    class Broken(Shelf):
        def write(self, frame: FusedFrame) -> None:
            raise ZeroDivisionError

    sink = Broken()
    with pytest.raises(ZeroDivisionError), SinkThread(sink, delivery=PATIENT) as writer:
        writer.put(fused_frame())
    assert sink.ends == ["discarded"]


def test_an_error_in_the_block_discards_the_sink_and_ends_the_thread() -> None:
    shelf = Shelf()
    with pytest.raises(ZeroDivisionError), SinkThread(shelf, delivery=PATIENT):
        raise ZeroDivisionError
    assert shelf.ends == ["discarded"]
    assert "sink" not in {thread.name for thread in all_threads()}


@pytest.mark.parametrize("fails", [False, True])
def test_a_sink_that_is_stuck_in_its_end_is_left_alone(fails: bool) -> None:
    freed = Event()

    class Endless(Shelf):
        name = "rtsp://there"

        def close(self) -> None:
            freed.wait()

        def discard(self) -> None:
            freed.wait()

    writer = SinkThread(Endless(fails_at=0 if fails else None), delivery=Delivery(Bounds(2), 0.05))
    writer.start()
    writer.put(fused_frame())
    assert not fails or until(lambda: "sink" not in {thread.name for thread in all_threads()})
    with pytest.raises(CoconetError, match="has no space" if fails else "rtsp://there has been stuck for 0.05 s"):
        writer.close()
    freed.set()


def test_an_error_of_closing_discards_the_sink() -> None:
    class Unfinished(Shelf):
        def close(self) -> None:
            raise CoconetError("video", wanted="room", got="none", remedy="Free some.", says="has no room")

    shelf = Unfinished()
    with pytest.raises(CoconetError, match="video has no room") as full, SinkThread(shelf, delivery=PATIENT):
        pass
    assert (full.value.exit_code, shelf.ends) == (ExitCode.OUTPUT, ["discarded"])
