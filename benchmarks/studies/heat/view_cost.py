"""What meters, alarms, views, palettes, overlays and heats cost, beside what the loop does with a frame anyway.

python -m coconet.benchmarks.studies.heat.view_cost

Processor time of the thread that does it, median of many frames, all ways in turns. The loop is what two threads do
with a pair without any of this: prepare it, and fuse it by the mean, the cheapest rule there is, so that shares are the
largest that they can be. Views are drawn by the thread that shows or writes them, only for those who look.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from coconet.runtime.alarms.alarm import AlarmTable
from coconet.runtime.alarms.alarm_watch import AlarmWatch
from coconet.runtime.backends.rules.baseline import BaselineBackend
from coconet.runtime.balance import apply_heat
from coconet.runtime.drawing.renderer import Renderer
from coconet.runtime.frame import Frame, FramePair, FusedFrame
from coconet.runtime.heat.meter import MeterTable
from coconet.runtime.heat.meters import Meters
from coconet.runtime.heat.placing import Placing
from coconet.runtime.heat.temperature import TemperatureTable
from coconet.runtime.heat.thermometer import Thermometer
from coconet.runtime.look import Look, OutputLook
from coconet.runtime.preprocess.agc import ThermalStretch
from coconet.runtime.preprocess.fit import Placement
from coconet.runtime.preprocess.preprocess import Preparation
from coconet.runtime.preprocess.warp import Alignment
from coconet.runtime.sinks.look_sink import LookSink
from coconet.runtime.sinks.sink import NoSink
from coconet.runtime.viewers.latest_frame import LatestFrame
from coconet.runtime.viewers.snapshots import Captures
from coconet.runtime.views.names import VIEW_NAMES
from coconet.terminal.console import Console

SIZES = {"640x480": (640, 480), "1920x1080": (1920, 1080)}

INFRARED_PX = (320, 256)

PICTURES = 7
"""A prime: ways that take turns see all of them. One that saw the same again and again would read nothing of it."""

TURNS = 60

QUICK_TURNS = 2000
"""Of what takes microseconds."""

Way = Callable[[], object]


def main() -> None:
    """Print both tables."""
    import cv2

    console = Console(width=120)
    cv2.setNumThreads(1)  # so that what this thread takes is all that it takes
    loops, off, on = {}, {}, {}
    for name, size_px in SIZES.items():
        console.print(f"measuring {name}")
        scene = CostScene(size_px)
        loops[name] = sum(medians_us(scene.loop(), TURNS).values())
        off[name] = medians_us(scene.off(), QUICK_TURNS)
        on[name] = {
            way: taken
            for part in (scene.measuring(), scene.drawing())
            for way, taken in medians_us(part, TURNS).items()
        }
    console.print("", "Off, processor time a frame and its share of the loop:", shares(off, loops))
    console.print("", "On:", shares(on, loops))
    for name, taken in loops.items():
        console.print(f"the loop takes {taken / 1e3:.2f} ms of processor time a frame of {name}")


def shares(costs: dict[str, dict[str, float]], loops: dict[str, float]) -> Table:
    """One row for each thing, two columns for each size."""
    table = Table("", *(column for size in costs for column in (f"{size}, ms", "of the loop")), box=None)
    for way in next(iter(costs.values())):
        cells = [(found[way], found[way] / loops[size]) for size, found in costs.items()]
        table.add_row(way, *(text for taken, share in cells for text in (f"{taken / 1e3:.3f}", f"{share:.1%}")))
    return table


def medians_us(ways: dict[str, Way], turns: int) -> dict[str, float]:
    """The median processor time of this thread that each way takes, in microseconds, all ways in turns."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(turns):
        for name, way in ways.items():
            begun = time.thread_time_ns()
            way()
            taken[name].append((time.thread_time_ns() - begun) / 1e3)
    return {name: float(np.median(times)) for name, times in taken.items()}


class CostScene:
    """Frames of a size, and the ways to handle them; counts and noise change from frame to frame."""

    def __init__(self, size_px: tuple[int, int]) -> None:
        rng, (width, height) = np.random.default_rng(0), size_px
        counts = 29315 + np.cumsum(rng.normal(0, 4, (PICTURES, INFRARED_PX[1], INFRARED_PX[0], 1)), axis=2)
        seen = rng.integers(0, 256, (PICTURES, height, width, 3), np.uint8)
        self._pairs = [
            FramePair(Frame(seen[at], at, at), Frame(np.rint(counts[at]).astype(np.uint16), at, at))
            for at in range(PICTURES)
        ]
        self._next, self._backend = 0, BaselineBackend("average")
        self.frame = self._fused(_preparation(_meters(8)))

    def loop(self) -> dict[str, Way]:
        """What is done with every pair."""
        preparation, ready = _preparation(None), self.frame.pair
        return {
            "prepare": lambda: preparation(self._pair()),
            "fuse": lambda: self._backend.fuse(ready.visible.pixels, ready.infrared.pixels),
        }

    def off(self) -> dict[str, Way]:
        """What is left in the loop, and in the thread that writes, of what is not asked for."""
        board, captures, watch = LatestFrame(), Captures(Path("captures")), AlarmWatch([])
        plain = OutputLook()
        sink = LookSink(NoSink(), lambda: plain, Renderer())

        def unwatched() -> None:
            board.post(self.frame)
            captures.note(self.frame)

        return {
            "a page without viewers": unwatched,
            "an output that shows the fused picture": lambda: sink.write(self.frame),
            "no alarm": lambda: watch.note(self.frame),
            "a thermometer without a meter": self._reading(_meters(0)),
        }

    def measuring(self) -> dict[str, Way]:
        """Meters read, in the thread that prepares, and alarms looked at, in the loop."""
        ways: dict[str, Way] = {}
        for name, count in (("one meter", 1), ("eight meters", 8)):
            ways[name] = self._reading(_meters(count))
        for name, count in (("one alarm", 1), ("64 alarms", 64)):
            facts = {"meter": "hottest", "when": "above", "limits": [500]}
            watch = AlarmWatch([AlarmTable.model_validate({"name": f"a{at}", **facts}) for at in range(count)])
            ways[name] = lambda watch=watch: watch.note(self._newer())  # type: ignore[misc]
        return ways

    def _reading(self, meters: Meters) -> Way:
        return lambda: meters.read(self._pair(), np.zeros(0, np.intp), Placing())

    def drawing(self) -> dict[str, Way]:
        """Every view drawn, in a thread of its own, and what can be written over it."""
        plain = {"meters": False, "colours": "ironbow"}
        looks: dict[str, dict[str, Any]] = {f"view {name}": {"show": name, **plain} for name in VIEW_NAMES}
        looks["view edges, in a colour"] = {"show": "edges", **plain, "edges": {"colour": "#ff8020"}}
        looks["view isotherm, in degrees"] = {"show": "isotherm", **plain, "isotherm": {"above": 30, "below": 10}}
        looks["fused, with the labels of eight meters"] = {"meters": True}
        overlay = {"show": ["utc", "local", "name", "state", "skew", "age"]}
        looks["fused, with an overlay"] = {"meters": False, "overlay": overlay}
        looks["infrared, with the colour bar"] = {"show": "infrared", **plain, "colour_bar": True}
        renderer = Renderer()
        made = {name: Look().changed(**keys) for name, keys in looks.items()}
        ways: dict[str, Way] = {
            name: (lambda look=look: renderer.draw(self.frame, look))  # type: ignore[misc]
            for name, look in made.items()
        }
        return {**ways, **{f"heat {heat}": self._heat_way(heat) for heat in (25, 75, 100)}}

    def _heat_way(self, heat: float) -> Way:
        """The picture of another heat, whose infrared one does not cover all of it."""
        pair = self.frame.pair
        pictures = (self.frame.fused, pair.visible.pixels, pair.laid_infrared)
        return lambda: apply_heat(*pictures, heat, pair.covered)

    def _pair(self) -> FramePair:
        self._next += 1
        pair, stamp = self._pairs[self._next % PICTURES], self._next * 40_000_000
        visible, infrared = (
            dataclasses.replace(one, timestamp_ns=stamp, index=self._next) for one in (pair.visible, pair.infrared)
        )
        return FramePair(visible, infrared)

    def _newer(self) -> FusedFrame:
        self._next += 1
        raw = self.frame.pair.raw_infrared or self.frame.pair.infrared
        newer = dataclasses.replace(raw, index=self._next, timestamp_ns=self._next)
        return dataclasses.replace(self.frame, pair=dataclasses.replace(self.frame.pair, raw_infrared=newer))

    def _fused(self, prepare: Preparation) -> FusedFrame:
        pair = prepare(self._pair())
        pixels = self._backend.fuse(pair.visible.pixels, pair.infrared.pixels)
        return FusedFrame(pixels, pair, 1.0, capture_to_fused_ms=1.0)


def _meters(count: int) -> Meters:
    tables = [MeterTable(name="hottest", kind="hottest")]
    tables += [MeterTable(name=f"box {at}", kind="box", points_px=((9 * at, 9), (9 * at + 40, 80))) for at in range(7)]
    return Meters(Thermometer(TemperatureTable(scheme="lepton")), tables[:count])


def _preparation(meters: Meters | None) -> Preparation:
    return Preparation(ThermalStretch(), Placement(Alignment()), ("visible", "infrared"), meters=meters)


if __name__ == "__main__":
    main()
