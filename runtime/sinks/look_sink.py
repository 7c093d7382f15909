"""A sink that is given the fused frames as a look shows them; it draws in the thread that writes, not in the loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from coconet.runtime.drawing.renderer import Renderer
from coconet.runtime.frame import FusedFrame
from coconet.runtime.look import OutputLook
from coconet.runtime.loop.run_stats import RunStats
from coconet.runtime.sinks.sink import Delivery, Sink


@dataclass(frozen=True)
class Drawn:
    """What an output shows of the fused frames. look: gives the look of the next one."""

    renderer: Renderer
    look: Callable[[], OutputLook]

    def before(self, sink: Sink, gauge: RunStats) -> LookSink:
        """A sink that draws for this one. gauge: knows which alarms of the run are on."""
        return LookSink(sink, self.look, self.renderer, lambda: () if gauge.alarms is None else gauge.alarms.active())


class LookSink:
    """Writes what a look shows into another sink; the look may change between two frames."""

    def __init__(
        self,
        sink: Sink,
        look: Callable[[], OutputLook],
        renderer: Renderer,
        alarms: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        """look: gives the look of the next frame. alarms: the names of those that are on."""
        self._sink, self._look, self._renderer, self._alarms = sink, look, renderer, alarms

    @property
    def name(self) -> str:
        """That of the sink."""
        return self._sink.name

    @property
    def delivery(self) -> Delivery:
        """That of the sink."""
        return self._sink.delivery

    def write(self, frame: FusedFrame) -> None:
        """Draw a frame, and write it."""
        look = self._look()
        if not look.is_plain:
            alarms = self._alarms() if "alarms" in look.overlay.show else ()
            frame = frame.with_picture(self._renderer.draw(frame, look, alarms))
        self._sink.write(frame)

    def close(self) -> None:
        """Finish the sink."""
        self._sink.close()

    def discard(self) -> None:
        """Discard the sink."""
        self._sink.discard()
