"""A call in a thread beside this one, whose result is handed back, or dropped if nobody wants it any more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from coconet.errors import CoconetError
from coconet.runtime.threads.queue_thread import Bounds, QueueThread

Result = TypeVar("Result")


@contextmanager
def called_beside(
    call: Callable[[], Result], name: str, drop: Callable[[Result], object] = lambda _: None
) -> Iterator[Callable[[], Result]]:
    """Call in a thread of this name while the block runs; gives what waits for the result, once, and raises its error.

    drop: called with the result if the block ends without it, in the thread if it comes later: the block does not wait.
    """

    def work(queue: QueueThread[tuple[Result]]) -> None:
        result = call()
        if not queue.put((result,)):
            drop(result)

    thread = QueueThread(work, Bounds(1), name)

    def wait() -> Result:
        found = thread.take()
        if found is None:  # only then does a thread that has neither a result nor an error end
            raise CoconetError(
                name,
                wanted="time to finish",
                got="the end of the program",
                remedy="Start again.",
                says="was not finished: the program ends",
            )
        return found[0]

    thread.start()
    try:
        yield wait
    finally:
        thread.ask_to_stop()
        if thread.waiting:
            drop(wait())
