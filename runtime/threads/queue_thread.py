"""A thread and a bounded queue: the thread is at one end of it, its owner at the other."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from threading import Condition, Event
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

from coconet.runtime.threads.background import STOP_S, Background

if TYPE_CHECKING:
    from typing_extensions import Self


Item = TypeVar("Item")

WhenFull = Literal["wait", "drop oldest", "drop newest"]
"""What becomes of an item for which there is no room: it waits, the oldest one gives way to it, or it is dropped."""

_LOOK_S = 0.1  # how often a wait looks whether the run is over


@dataclass(frozen=True)
class Bounds:
    """How many items wait at most, and what happens to one more."""

    depth: int
    when_full: WhenFull = "wait"

    def __post_init__(self) -> None:
        if self.depth < 1:
            raise ValueError(f"a queue holds 1 item or more, not {self.depth}")


class QueueThread(Generic[Item]):
    """A bounded queue with a thread at one end. As a context manager the thread works inside its block.

    `filling` and `emptying` make what the thread does. What goes wrong in it is kept: a filling thread's error is
    raised by `take` after the items before it, an emptying thread's by the next `put`, and either by `check`.
    No wait is endless: `take` and `put` end with the thread, and with the `stop` that is handed in.
    """

    def __init__(
        self,
        work: Callable[[QueueThread[Item]], None],
        bounds: Bounds,
        name: str,
        changed: Condition | None = None,
    ) -> None:
        """Prepare the thread. name: of the thread. changed: queues that share it can be waited for together."""
        self._bounds, self._changed = bounds, changed or Condition()
        self._items: deque[Item] = deque()
        self._entered = self._dropped = 0
        self._running = False
        self._thread = Background(lambda: work(self), name, self._note_end)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def entered(self) -> int:
        """How many items were put before the end, also those that were dropped."""
        return self._entered

    @property
    def dropped(self) -> int:
        """How many items were lost for want of room; those that the end has left over are not among them."""
        return self._dropped

    @property
    def waiting(self) -> int:
        """How many items are in the queue."""
        return len(self._items)

    @property
    def ended(self) -> bool:
        """Whether the thread does not run: it has ended, failed, or was never started."""
        return not self._running

    @property
    def stopping(self) -> bool:
        """Whether the thread was asked to stop."""
        return self._thread.stopping.is_set()

    @property
    def ready(self) -> bool:
        """Whether `take` would return at once: an item, an error or the end is there."""
        return bool(self._items) or self.ended or self.stopping

    @property
    def error(self) -> BaseException | None:
        """What went wrong in the thread, if anything did."""
        return self._thread.error

    def check(self) -> None:
        """Raise what went wrong in the thread."""
        self._thread.check()

    def start(self) -> None:
        """Start the thread; once."""
        self._running = True
        self._thread.start()

    def ask_to_stop(self) -> None:
        """Let the thread end: a filling one after the item it fetches, an emptying one after those that wait."""
        with self._changed:
            self._thread.ask_to_stop()
            self._changed.notify_all()

    def stop(self, patience_s: float = STOP_S) -> bool:
        """Ask the thread to stop, and wait at most this long after that; what still waits then is left out.

        Returns whether the thread has ended; one that has not is stuck in a device or a disk, and is left alone.
        """
        self.ask_to_stop()
        ended = self._thread.stop(patience_s)
        with self._changed:
            self._items.clear()
        return ended

    def put(self, item: Item, stop: Event | None = None) -> bool:
        """Add an item, as the bounds say; False if it was dropped, or came after the end, which does not count.

        stop: ends the wait for room; the item is dropped then. Raises what went wrong in an emptying thread.
        """
        with self._changed:
            self._wait(lambda: self._closed or self._bounds.when_full != "wait" or self._has_room, stop)
            if self.error is not None:
                raise self.error
            if self._closed:
                return False
            self._entered += 1
            if not (self._has_room or self._bounds.when_full == "drop oldest"):
                self._dropped += 1
                return False
            if not self._has_room:
                self._items.popleft()
                self._dropped += 1
            self._items.append(item)
            self._changed.notify_all()
            return True

    def take(self, stop: Event | None = None) -> Item | None:
        """Wait for the oldest item; None at the end. Raises what went wrong in a filling thread, after its items.

        stop: ends the wait, and gives None.
        """
        with self._changed:
            self._wait(lambda: self.ready, stop)
            if stop is not None and stop.is_set():
                return None
            if self._items:
                item = self._items.popleft()
                self._changed.notify_all()
                return item
        self.check()
        return None

    def wait_until_ready(self, most_s: float) -> bool:
        """Wait until `take` would return at once, at most this long; whether it would."""
        with self._changed:
            return self._changed.wait_for(lambda: self.ready, most_s)

    def wait_for_room(self) -> bool:
        """Wait until `put` would not wait, for a thread that fetches only what there is room for; False to stop."""
        with self._changed:
            self._wait(lambda: self.stopping or self._bounds.when_full != "wait" or self._has_room, None)
            return not self.stopping

    def pause(self, seconds: float) -> bool:
        """Let the thread wait; False at once when it is to stop."""
        return not self._thread.stopping.wait(seconds)

    @property
    def _has_room(self) -> bool:
        return len(self._items) < self._bounds.depth

    @property
    def _closed(self) -> bool:
        return self.stopping or self.ended

    def _wait(self, happened: Callable[[], bool], stop: Event | None) -> None:
        while not ((stop is not None and stop.is_set()) or self._changed.wait_for(happened, _LOOK_S)):
            pass

    def _note_end(self) -> None:
        with self._changed:
            self._running = False
            self._changed.notify_all()


def filling(fetch: Callable[[], Item | None]) -> Callable[[QueueThread[Item]], None]:
    """Make the work of a thread that puts what `fetch` gives, until that is None."""

    def work(queue: QueueThread[Item]) -> None:
        while queue.wait_for_room() and (item := fetch()) is not None:
            queue.put(item)

    return work


def emptying(handle: Callable[[Item], object]) -> Callable[[QueueThread[Item]], None]:
    """Make the work of a thread that hands every item to `handle`, in order."""

    def work(queue: QueueThread[Item]) -> None:
        while (item := queue.take()) is not None:
            handle(item)

    return work


def result_unless(stop: Event, call: Callable[[], Item], name: str) -> Item | None:
    """Return what `call` returns, called in a thread of this name, or None as soon as `stop` is set.

    Raises what `call` raises. A call that is not waited for any longer goes on, and what it returns is dropped.
    """
    once = (call() for _ in range(1))
    thread = QueueThread(filling(lambda: next(once, None)), Bounds(1), name)
    thread.start()
    return thread.take(stop)
