"""What goes out as a look shows it: live changes, alarms, and raw streams without any of it."""

from __future__ import annotations

import numpy as np

from coconet.runtime.drawing.renderer import Renderer
from coconet.runtime.frame import FusedFrame
from coconet.runtime.look import OutputLook
from coconet.runtime.loop.run_stats import RunStats
from coconet.runtime.sinks.look_sink import Drawn, LookSink
from coconet.runtime.sinks.sink import NoSink
from tests.support.rigs.looks import frame_to_look_at, shown


class Kept(NoSink):
    """Keeps the frames."""

    def __init__(self) -> None:
        self.frames: list[FusedFrame] = []

    def write(self, frame: FusedFrame) -> None:
        """Keep one."""
        self.frames.append(frame)


def test_the_look_may_change_from_frame_to_frame() -> None:
    looks = [OutputLook(), OutputLook(show="blend", blend=1.0), OutputLook(show="side-by-side")]
    kept, frame = Kept(), frame_to_look_at()
    sink = LookSink(kept, lambda: looks[len(kept.frames)], Renderer())
    for _ in looks:
        sink.write(frame)
    assert kept.frames[0] is frame
    assert np.array_equal(kept.frames[1].pixels, shown(frame, "blend", blend=1.0))
    assert kept.frames[2].pixels.shape == (48, 128, 3)
    assert kept.frames[2].pair is frame.pair


def test_alarms_are_marked_if_the_overlay_has_them() -> None:
    class Alarms:
        def active(self) -> tuple[str, ...]:
            return ("too hot",)

    gauge, frame, pictures = RunStats(), frame_to_look_at(), []
    gauge.watch_alarms(Alarms())  # type: ignore[arg-type]
    for items in (["alarms"], ["skew"]):
        kept, look = Kept(), OutputLook.model_validate({"show": "visible", "overlay": {"show": items}})
        Drawn(Renderer(), lambda look=look: look).before(kept, gauge).write(frame)  # type: ignore[misc]
        pictures.append(kept.frames[0].pixels)
    visible = frame.pair.visible.pixels
    assert (pictures[0][-12:] != visible[-12:]).any()
    assert np.array_equal(pictures[1][-12:], visible[-12:])
