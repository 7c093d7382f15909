"""A model that OpenVINO compiles for the frame sizes it meets: with its sizes left open it takes twice the time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any

from coconet.runtime.threads.background import Background
from coconet.runtime.threads.process_end import CALL_S, finished_before_the_end

Shapes = tuple[tuple[str, tuple[int, ...]], ...]
"""The shape of every input, by its name; hashable."""

Compile = Callable[[Mapping[str, tuple[int, ...]] | None], Any]
"""Compiles a model for these shapes of its inputs, or, for None, for any, and gives what runs one frame."""

KEPT = 4
"""How many sizes stay compiled: two cameras of a rig with two profiles each."""


class SizedModels:
    """What runs a frame, by the shapes of the inputs; one thread at a time asks.

    The first size is compiled at once, as something has to be. Another one is served by the model of open sizes until
    it comes twice in a row; then it is compiled beside that, so that no frame waits for it. Pictures that are all of
    another size each are served by the model of open sizes, which costs less than compiling for each.
    """

    def __init__(self, compile_for: Compile) -> None:
        """Hold what compiles; nothing is compiled before it is asked for."""
        self._compile = compile_for
        self._lock = Lock()  # the frames' thread and the one that compiles beside it
        self._fixed: OrderedDict[Shapes, Any] = OrderedDict()
        self._open: Any = None
        self._last: Shapes | None = None
        self._tried: set[Shapes] = set()
        self._beside: Background | None = None

    @property
    def sizes(self) -> list[Shapes]:
        """What is compiled for a size of its own, the latest used last."""
        with self._lock:
            return list(self._fixed)

    def request_for(self, shapes: Mapping[str, tuple[int, ...]]) -> Any:
        """Give what runs inputs of these shapes. Raises what compiling raises."""
        key = tuple(sorted(shapes.items()))
        before, self._last = self._last, key
        if before is None:
            return self._keep(key, self._compile(shapes))
        with self._lock:
            if key in self._fixed:
                self._fixed.move_to_end(key)
                return self._fixed[key]
        if key == before and key not in self._tried:
            self._compile_beside(key, shapes)
        if self._open is None:
            self._open = self._compile(None)
        return self._open

    def close(self) -> None:
        """Release every compiled form; a second call does nothing."""
        if self._beside is not None:
            self._beside.stop(CALL_S)
        with self._lock:
            self._fixed.clear()
        self._open = None

    def _compile_beside(self, key: Shapes, shapes: Mapping[str, tuple[int, ...]]) -> None:
        """Compile in a thread, once for a size; if it fails, which the thread says, open sizes go on serving it."""
        if self._beside is not None and self._beside.running:
            return

        def work() -> None:
            with finished_before_the_end():
                self._keep(key, self._compile(shapes))

        self._tried.add(key)
        self._beside = Background(work, "compile for a frame size")
        self._beside.start()

    def _keep(self, key: Shapes, request: Any) -> Any:
        with self._lock:
            self._fixed[key] = request
            while len(self._fixed) > KEPT:
                evicted, _ = self._fixed.popitem(last=False)
                self._tried.discard(evicted)
        return request
