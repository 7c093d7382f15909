"""A bounded queue of pairs from many clients, and the one thread that fuses them, pairs of one size together."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Condition
from types import TracebackType
from typing import Protocol

from coconet.errors import CoconetError, counted
from coconet.media.pixels import Pixels
from coconet.runtime.backends.backend import Backend, BatchingBackend, OverlappingBackend
from coconet.runtime.serving.protocol.inference_error import TooLate, Unavailable
from coconet.runtime.threads.background import Background

Pair = tuple[Pixels, Pixels]
"""(H, W, C) and (H, W, 1), uint8."""

_LOOK_S = 0.5


@dataclass(frozen=True)
class QueueLimits:
    """waiting: how many pairs wait at most. together: how many of one size are taken at once. deadline_s: of each."""

    waiting: int = 32
    together: int = 8
    deadline_s: float = 1.0


class QueueRecord(Protocol):
    """Takes the counts of what becomes of the pairs."""

    def note_full(self) -> None:
        """A pair was turned away."""

    def note_late(self) -> None:
        """A pair was not answered before its deadline."""

    def note_group(self, size: int, seconds: float) -> None:
        """Count pairs that were fused together, and how long that took."""


@dataclass(eq=False)
class _Waiting:
    pair: Pair
    until_s: float
    within_s: float
    as_asked: bool
    answer: Future[Pixels] = field(default_factory=Future)

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        return tuple(side.shape for side in self.pair)


class FusionQueue(Background):
    """A context manager: inside its block pairs are fused, the oldest first, and with it others of its size.

    A backend that takes several at once gets them so; one that overlaps them gets them one behind the other; any other
    keeps its memory from one to the next. A pair whose deadline is over is not fused any more.
    """

    def __init__(
        self,
        backend: Backend,
        record: QueueRecord,
        limits: QueueLimits | None = None,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare to fuse with a backend that nothing else uses. now_s: gives the time in seconds."""
        super().__init__(self._keep_fusing, "fusion queue")
        self._backend, self._record, self._now_s = backend, record, now_s
        self._limits = limits or QueueLimits()
        self._waiting: deque[_Waiting] = deque()
        self._changed = Condition()

    @property
    def waiting(self) -> int:
        """How many pairs wait now."""
        return len(self._waiting)

    def submit(self, pair: Pair, within_s: float | None = None) -> Future[Pixels]:
        """Let a pair wait for its picture; within_s: how long at most, if that is less than the limit.

        Raises Unavailable when the queue is full or ends. The answer is Unavailable, too, for what waits at the end,
        TooLate after the deadline, and CoconetError for what the backend refuses.
        """
        most_s = self._limits.deadline_s
        within_s = most_s if within_s is None else within_s
        least_s = min(within_s, most_s)
        one = _Waiting(pair, self._now_s() + least_s, least_s, as_asked=within_s < most_s)
        with self._changed:
            if self.stopping.is_set() or not self.running:
                raise _unavailable("one that ends", "is stopping")
            if len(self._waiting) >= self._limits.waiting:
                self._record.note_full()
                waiting = len(self._waiting)
                raise _unavailable(f"one where {waiting} pairs wait", f"is full: {waiting} pairs already wait")
            self._waiting.append(one)
            self._changed.notify_all()
        return one.answer

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ask_to_stop()
        with self._changed:
            self._changed.notify_all()
        super().__exit__(kind, error, trace)

    def _keep_fusing(self) -> None:
        try:
            while group := self._next_group():
                self._fuse(group)
        finally:
            with self._changed:
                self.ask_to_stop()
                left = list(self._waiting)
                self._waiting.clear()
            for one in left:
                if one.answer.set_running_or_notify_cancel():
                    one.answer.set_exception(_unavailable("one that ends", "is stopping"))

    def _next_group(self) -> list[_Waiting]:
        """Wait for pairs, and take the oldest one with others of its size; empty at the end."""
        while True:
            with self._changed:
                while not self._waiting and not self.stopping.is_set():
                    self._changed.wait(_LOOK_S)
                if self.stopping.is_set():
                    return []
                taken = self._taken()
            if group := [one for one in taken if self._is_wanted(one)]:
                return group

    def _taken(self) -> list[_Waiting]:
        shapes = self._waiting[0].shapes
        most = self._backend.batch if isinstance(self._backend, BatchingBackend) else self._limits.together
        taken = [one for one in self._waiting if one.shapes == shapes][:most]
        for one in taken:
            self._waiting.remove(one)
        return taken

    def _is_wanted(self, one: _Waiting) -> bool:
        if not one.answer.set_running_or_notify_cancel():
            return False
        if self._now_s() < one.until_s:
            return True
        self._refuse_late(one)
        return False

    def _refuse_late(self, one: _Waiting) -> None:
        self._record.note_late()
        most = f"{self._limits.deadline_s * 1e3:.0f} ms"
        whose, remedy = (
            ("set by the request", f"allow more time: up to {most} here")
            if one.as_asked
            else ("set by the server", "ask its operator for a longer one, --deadline-ms")
        )
        one.answer.set_exception(
            TooLate(
                f"the deadline of {_in_words(one.within_s)}, {whose},",
                wanted="an answer in time",
                got="a later one",
                remedy=f"Send fewer pairs at once, or {remedy}.",
                says="has passed before the picture was fused",
            )
        )

    def _fuse(self, group: list[_Waiting]) -> None:
        begun_s, answered = self._now_s(), 0
        try:
            for one, fused in zip(group, fused_pairs(self._backend, [one.pair for one in group]), strict=True):
                answered += 1
                if self._now_s() < one.until_s:
                    one.answer.set_result(fused)
                else:
                    self._refuse_late(one)
        except CoconetError as error:
            for one in group[answered:]:
                one.answer.set_exception(error)
        except BaseException:
            for one in group[answered:]:
                one.answer.set_exception(_unavailable("one that has failed", "has failed"))
            raise
        self._record.note_group(len(group), self._now_s() - begun_s)


def fused_pairs(backend: Backend, pairs: Sequence[Pair]) -> Iterator[Pixels]:
    """Fuse pairs of one size in the way that suits the backend, and give each picture as soon as it is there."""
    if isinstance(backend, BatchingBackend):
        yield from backend.fuse_batch(pairs)
    elif isinstance(backend, OverlappingBackend) and backend.depth > 1:
        under_way = 0
        for pair in pairs:
            if under_way == backend.depth:
                yield backend.collect()
                under_way -= 1
            backend.submit(*pair)
            under_way += 1
        for _ in range(under_way):
            yield backend.collect()
    else:
        for pair in pairs:
            yield backend.fuse(*pair)


def _unavailable(got: str, says: str) -> Unavailable:
    return Unavailable("server", wanted="a queue with room", got=got, remedy="Try again later.", says=says)


def _in_words(time_s: float) -> str:
    return f"{time_s * 1e3:.0f} ms" if time_s >= 1e-3 else counted(round(time_s * 1e6), "microsecond")
