"""Reading ahead: one thread that fetches what comes next into a bounded buffer, while another uses what came before."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from threading import Condition, Thread
from types import TracebackType
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from typing_extensions import Self


Item = TypeVar("Item")


@dataclass(frozen=True)
class Buffering:
    """How far to read ahead: at most `depth` items.

    newest_wins: where the buffer is full its oldest item is dropped and counted, so that the source is never kept
    waiting; otherwise the source waits for room, so that nothing is lost.
    """

    depth: int
    newest_wins: bool


class ReadAhead(Generic[Item]):
    """Calls `read` in a thread until it gives None.

    What goes wrong in the thread is raised by `take`, after the items read before it. As a context manager it reads
    inside its block.
    """

    def __init__(
        self, read: Callable[[], Item | None], buffering: Buffering, name: str, changed: Condition | None = None
    ) -> None:
        """Prepare to read; readers that share `changed` can be waited for together. name: of the thread."""
        self._fetch, self._buffering = read, buffering
        self._changed = changed or Condition()
        self._buffer: deque[Item] = deque()
        self._error: BaseException | None = None
        self._stopping = self._running = False
        self._read = self._dropped = 0
        self._thread = Thread(target=self._run, name=name, daemon=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def read(self) -> int:
        """How many items the source has given."""
        return self._read

    @property
    def dropped(self) -> int:
        """How many items left the buffer without being taken."""
        return self._dropped

    @property
    def ended(self) -> bool:
        """Whether nothing more will be read: the source has ended or failed, or `stop` was called."""
        return not self._running

    @property
    def error(self) -> BaseException | None:
        """What went wrong in the thread, if anything did."""
        return self._error

    @property
    def waiting(self) -> int:
        """How many items are in the buffer."""
        return len(self._buffer)

    @property
    def ready(self) -> bool:
        """Whether `take` would return at once: an item, an error or the end is there."""
        return bool(self._buffer) or not self._running

    def start(self) -> None:
        """Begin to read."""
        self._running = True
        self._thread.start()

    def stop(self) -> None:
        """Stop reading and wait for the thread to end; what is still in the buffer counts as dropped."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join()
        self._dropped += len(self._buffer)
        self._buffer.clear()

    def take(self) -> Item | None:
        """Wait for the oldest buffered item; None at the end. Raises what the source raised."""
        with self._changed:
            self._changed.wait_for(lambda: self.ready)
            if self._buffer:
                item = self._buffer.popleft()
                self._changed.notify_all()
                return item
        if self._error is not None:
            raise self._error
        return None

    def pause(self, seconds: float) -> bool:
        """Let the reading thread wait, or be woken by `stop`; False when it is to stop."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopping, seconds)
            return not self._stopping

    def _run(self) -> None:
        try:
            while self._has_room() and (item := self._fetch()) is not None:
                self._keep(item)
        except BaseException as error:  # it is raised again where the items are taken
            self._error = error
        finally:
            with self._changed:
                self._running = False
                self._changed.notify_all()

    def _has_room(self) -> bool:
        """Wait for room where the source can wait; False when the reading is to stop."""
        with self._changed:
            newest_wins, depth = self._buffering.newest_wins, self._buffering.depth
            self._changed.wait_for(lambda: self._stopping or newest_wins or len(self._buffer) < depth)
            return not self._stopping

    def _keep(self, item: Item) -> None:
        with self._changed:
            self._read += 1
            self._buffer.append(item)
            if len(self._buffer) > self._buffering.depth:
                self._buffer.popleft()
                self._dropped += 1
            self._changed.notify_all()
