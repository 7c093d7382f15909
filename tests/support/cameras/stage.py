"""A stage for live cameras: its time goes on by steps, and no step ends before every camera has acted."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from threading import Condition
from types import TracebackType

import numpy as np

from coconet.errors import CoconetError
from coconet.media.pixels import Pixels
from coconet.runtime.frame import Frame
from tests.support.programs.patience import PATIENCE_S

STEP_NS = 5_000_000


@dataclass(frozen=True)
class Script:
    """What a camera does between two times of the stage: be `silent`, `frozen` or `broken`; then it is well again.

    behind_s: how far the stamps of all its frames lie behind the time at which they come.
    """

    trouble: str = ""
    begins_s: float = 0.4
    ends_s: float = 1.2
    behind_s: float = 0.0


class Stage:
    """Calling it gives the time in ns. A call by the thread that made it, which pairs, is a step.

    As a context manager it lets the cameras end after its block, so that no thread waits for a step that never comes.
    """

    def __init__(self) -> None:
        self.changed, self.over = Condition(), False
        self.actors: list[Actor] = []
        self._began_ns = self.now_ns = 10**12
        self._director = threading.get_ident()

    def __call__(self) -> int:
        with self.changed:
            if threading.get_ident() == self._director:
                self.now_ns += STEP_NS
                self.changed.notify_all()
                acted = self.changed.wait_for(lambda: all(actor.waits for actor in self.actors), PATIENCE_S)
                assert acted, "a camera neither gave a frame nor waits for the next step"
            return self.now_ns

    @property
    def passed_s(self) -> float:
        return (self.now_ns - self._began_ns) / 1e9

    def __enter__(self) -> Stage:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self.changed:
            self.over = True
            self.changed.notify_all()


class Actor:
    """A live camera of 50 frames per second, unless given another period, that follows a script.

    mortal: its first error is its end, because nothing opens it again.
    """

    realtime = True

    def __init__(
        self, stage: Stage, name: str, script: Script | None = None, period_s: float = 0.02, *, mortal: bool = False
    ) -> None:
        self.name, self._stage, self._script, self._mortal = name, stage, script or Script(), mortal
        self._period_ns, self._due_ns = round(period_s * 1e9), 0
        self._rng, self._index, self._reading = np.random.default_rng(3), 0, False
        self._pixels = self._picture()
        stage.actors.append(self)

    def read(self) -> Frame | None:
        with self._stage.changed:
            self._due_ns = self._stage.now_ns + self._period_ns
            self._reading = True
            self._stage.changed.notify_all()
            self._stage.changed.wait_for(lambda: self._stage.over or not self.waits)
            trouble, now_ns, self._reading = self._trouble(), self._stage.now_ns, False
            if self._stage.over:
                return None
            if trouble == "broken":
                if self._mortal:
                    self._stage.actors.remove(self)
                    self._stage.changed.notify_all()
                raise CoconetError(
                    self.name,
                    wanted="a frame",
                    got="a cut cable",
                    remedy="Plug it in.",
                    says="gives no frame: a cut cable",
                )
        if trouble != "frozen":
            self._pixels = self._picture()
        self._index += 1
        return Frame(self._pixels, now_ns - round(self._script.behind_s * 1e9), self._index, stamps="arrival")

    def close(self) -> None:
        """Nothing to release."""

    @property
    def waits(self) -> bool:
        """Whether it has done all that is to be done by now."""
        return self._reading and (self._stage.now_ns < self._due_ns or self._trouble() == "silent")

    def _trouble(self) -> str:
        return self._script.trouble if self._script.begins_s <= self._stage.passed_s < self._script.ends_s else ""

    def _picture(self) -> Pixels:
        channels = 1 if self.name == "boson" else 3
        return self._rng.integers(100, 156, (48, 64, channels), dtype=np.uint8)
