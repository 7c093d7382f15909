"""How well what moves tells the time between two cameras: real videos, shifted by known times and found again.

python -m coconet.benchmarks.studies.offset_recovery FOLDER

FOLDER has video/*_{ir,vis}.mp4 of pairs taken at the same time.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.table import Table

from coconet.calibration.alignment.find_time_offset import search_offset
from coconet.errors import CoconetError
from coconet.progress.board import ProgressItems
from coconet.runtime.cameras.camera import Camera
from coconet.runtime.cameras.open_camera import Role, open_camera
from coconet.runtime.frame import Frame
from coconet.runtime.rig.rig_file import Rig
from coconet.terminal.console import Console

MOST_MS = 300.0

RATES = ((30.0, 30.0), (30.0, 25.0), (30.0, 9.0))


@dataclass(frozen=True)
class Case:
    """Two videos, the second at which to begin, the rates they are thinned to, and how much later infrared stamps."""

    visible: Path
    infrared: Path
    begin_s: float
    rates: tuple[float, float]
    shift_ms: float

    def open(self, _rig: Rig, role: Role) -> Camera:
        """Open one side of the case."""
        fps = self.rates[role == "infrared"]
        path, shift_ms = (self.infrared, self.shift_ms) if role == "infrared" else (self.visible, 0.0)
        return _ShiftedCamera(open_camera(str(path), role), self.begin_s, fps, shift_ms)

    def error_ms(self, seconds: float) -> float:
        """How far what is found is from what was put in; infinite where it is refused."""
        rig = Rig.from_addresses(str(self.visible), str(self.infrared))
        try:
            found = search_offset(rig, seconds, opener=self.open)
        except CoconetError:
            return float("inf")
        return found.lag_ms - self.shift_ms


def main() -> None:
    """Shift, find, and print the error for each pair of rates; then pair videos that have nothing in common."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--every", type=float, default=1.0, help="start again after this many seconds of a video")
    options = parser.parse_args()
    visible = sorted((options.folder / "video").glob("*_vis.mp4"))
    infrared = [path.with_name(path.name.replace("_vis", "_ir")) for path in visible]
    others = infrared[1:] + infrared[:1]
    rng = np.random.default_rng(1)
    table = Table("what", "rates", "cases", "refused", "median ms", "p90 ms", "largest ms", box=None)
    for what, partners in (("of one scene", infrared), ("of two scenes", others)):
        for rates in RATES:
            pairs = list(zip(visible, partners, strict=True))
            cases = [case for pair in pairs for case in _cases(pair, rates, options.seconds, options.every, rng)]
            errors = [case.error_ms(options.seconds) for case in ProgressItems(cases, f"{what}, {rates}")]
            table.add_row(what, f"{rates[0]:g}, {rates[1]:g}", *_row(errors))
    Console().print(table)


def _cases(
    pair: tuple[Path, Path], rates: tuple[float, float], seconds: float, every: float, rng: np.random.Generator
) -> Iterator[Case]:
    """Every piece of both videos that is long enough, each with a shift of its own."""
    length_s = min(_length_s(path) for path in pair)
    for begin_s in np.arange(0.0, length_s - seconds, every):
        yield Case(*pair, float(begin_s), rates, float(rng.uniform(-MOST_MS, MOST_MS)))


def _length_s(path: Path) -> float:
    from coconet.media.video import VideoReader

    with VideoReader(path) as reader:
        return max(frame.timestamp_ns for frame in reader) / 1e9


class _ShiftedCamera:
    """A recording from some second on, thinned to a rate, whose stamps are shifted."""

    realtime = False

    def __init__(self, camera: Camera, begin_s: float, fps: float, shift_ms: float) -> None:
        self.name, self._camera = camera.name, camera
        self._due_ns, self._period_ns, self._shift_ns = begin_s * 1e9, 1e9 / fps, round(shift_ms * 1e6)

    def read(self) -> Frame | None:
        while (frame := self._camera.read()) is not None:
            if frame.timestamp_ns >= self._due_ns - 1e6:
                self._due_ns += self._period_ns
                return dataclasses.replace(frame, timestamp_ns=frame.timestamp_ns + self._shift_ns)
        return None

    def close(self) -> None:
        self._camera.close()


def _row(errors: list[float]) -> list[str]:
    known = np.abs([error for error in errors if np.isfinite(error)] or [float("nan")])
    figures = (np.median(known), np.percentile(known, 90), known.max())
    return [str(len(errors)), str(sum(not np.isfinite(error) for error in errors)), *(f"{ms:.0f}" for ms in figures)]


if __name__ == "__main__":
    main()
