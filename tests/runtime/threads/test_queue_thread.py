"""A thread and a bounded queue: what is kept of what comes, who waits, and what comes out at the end."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Condition, Event

import pytest

from coconet.errors import CoconetError
from coconet.runtime.threads.background import Background
from coconet.runtime.threads.queue_thread import Bounds, QueueThread, WhenFull, emptying, filling, result_unless
from tests.support.programs.left_threads import no_thread_left
from tests.support.rigs.live_rig import until


def numbers(count: int, end: Exception | None = None) -> Iterator[int]:
    yield from range(count)
    if end is not None:
        raise end


def reader(source: Iterator[int], depth: int = 3, when_full: WhenFull = "wait") -> QueueThread[int]:
    return QueueThread(filling(lambda: next(source, None)), Bounds(depth, when_full), "reader")


def taken(queue: QueueThread[int]) -> list[int]:
    found = []
    while (item := queue.take()) is not None:
        found.append(item)
    return found


def test_a_source_that_waits_loses_nothing() -> None:
    with reader(numbers(100), depth=1) as queue:
        assert taken(queue) == list(range(100))
    assert (queue.entered, queue.dropped) == (100, 0)


@pytest.mark.parametrize(("when_full", "kept"), [("drop oldest", [7, 8, 9]), ("drop newest", [0, 1, 2])])
def test_a_source_that_does_not_wait_loses_what_the_bounds_say(when_full: WhenFull, kept: list[int]) -> None:
    queue = reader(numbers(10), when_full=when_full)
    queue.start()
    assert until(lambda: queue.ended)
    assert taken(queue) == kept
    queue.stop()
    assert (queue.entered, queue.dropped) == (10, 7)


def test_nothing_is_fetched_that_there_is_no_room_for() -> None:
    fetched: list[int] = []
    source = numbers(100)

    def fetch() -> int | None:
        fetched.append(next(source))
        return fetched[-1]

    with QueueThread(filling(fetch), Bounds(2), "reader") as queue:
        assert until(lambda: queue.waiting == 2)
        assert queue.take() == 0
        assert until(lambda: queue.waiting == 2)
        assert fetched == [0, 1, 2]


def test_an_error_of_the_source_comes_after_the_items_before_it() -> None:
    broken = CoconetError("camera", wanted="a frame", got="none", remedy="Look.", says="gives no frame")
    with reader(numbers(2, broken)) as queue:
        assert [queue.take(), queue.take()] == [0, 1]
        with pytest.raises(CoconetError, match="camera"):
            queue.take()
        with pytest.raises(CoconetError, match="camera"):
            queue.check()


def test_everything_put_is_handled_in_order_before_the_end() -> None:
    handled: list[int] = []
    with QueueThread(emptying(handled.append), Bounds(3), "writer") as queue:
        assert all(queue.put(number) for number in range(50))
        assert queue.stop(20)
    assert handled == list(range(50))


def test_an_error_of_the_handler_comes_out_of_put_and_holds_nothing_up() -> None:
    def refuse(number: int) -> None:
        raise ZeroDivisionError(number)

    with QueueThread(emptying(refuse), Bounds(1), "writer") as queue:
        queue.put(1)
        assert until(lambda: queue.ended)
        with pytest.raises(ZeroDivisionError):
            queue.put(2)
        with pytest.raises(ZeroDivisionError):
            queue.check()


def test_after_the_end_an_item_is_refused() -> None:
    handled: list[int] = []
    with QueueThread(emptying(handled.append), Bounds(3), "writer") as queue:
        assert queue.stop(20)
        assert not queue.put(1)
    assert (handled, queue.entered, queue.dropped) == ([], 0, 0)


def test_a_stop_ends_the_wait_for_an_item_and_for_room() -> None:
    freed, stop = Event(), Event()
    with (
        QueueThread(filling(lambda: freed.wait() and None), Bounds(1), "reader") as source,
        QueueThread[int](emptying(lambda _: freed.wait() and None), Bounds(1), "writer") as drain,
    ):
        assert drain.put(1)
        assert until(lambda: not drain.waiting)  # it is being handled
        assert drain.put(2, stop)
        with Background(stop.set, "stopper"):
            assert source.take(stop) is None
            assert not drain.put(3, stop)
        freed.set()
    assert drain.dropped == 1


def test_a_stopped_source_still_gives_what_it_has_read() -> None:
    queue = reader(numbers(1000), depth=3)
    queue.start()
    assert until(lambda: queue.waiting == 3)
    queue.ask_to_stop()
    assert taken(queue) == [0, 1, 2]
    assert queue.stop(20)


def test_a_thread_that_is_stuck_is_left_alone_and_no_take_waits_for_it() -> None:
    freed = Event()
    queue = QueueThread(filling(lambda: freed.wait() and 5), Bounds(1), "reader")
    queue.start()
    assert not queue.stop(0.01)
    assert queue.take() is None
    freed.set()
    assert until(lambda: queue.ended)
    assert (queue.entered, queue.dropped, queue.waiting) == (0, 0, 0)


def test_stopping_leaves_no_thread_even_while_the_queue_is_full() -> None:
    with no_thread_left(), reader(numbers(1000), depth=2) as queue:
        queue.take()
    assert (queue.dropped, queue.waiting) == (0, 0)  # what is left over was not lost for want of room


def test_queues_that_share_a_condition_can_be_waited_for_together() -> None:
    changed, freed = Condition(), Event()
    silent = QueueThread(filling(lambda: freed.wait() and None), Bounds(1), "silent", changed)
    quick = QueueThread(filling(lambda: 1), Bounds(1), "quick", changed)
    with silent, quick, changed:
        assert changed.wait_for(lambda: silent.ready or quick.ready, 20)
        freed.set()


def test_a_queue_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="1 item or more"):
        Bounds(0)


def test_a_result_is_waited_for_unless_it_is_stopped() -> None:
    freed, stop = Event(), Event()
    assert result_unless(stop, lambda: 5, "caller") == 5
    with pytest.raises(ZeroDivisionError):
        result_unless(stop, lambda: 1 // 0, "caller")
    with Background(stop.set, "stopper"):
        assert result_unless(stop, freed.wait, "caller") is None
    freed.set()
