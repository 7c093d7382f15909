"""tegrastats: NVIDIA's own monitor of a Jetson, read line by line, where its power rails are hidden from us."""

from __future__ import annotations

import re
import shutil
import subprocess

from coconet.benchmarks.machine.hwmon import BEHIND, TOTAL
from coconet.benchmarks.machine.sensor import Reading
from coconet.runtime.threads.background import Background

PERIOD_MS = 100

_END_S = 2.0

_RAIL = re.compile(r"\b([A-Z][A-Z0-9_]+) (\d+)(?:mW)?/(\d+)(?:mW)?")

_GPU = re.compile(r"\bGR3D_FREQ \d+%@\[?(\d+)")

_HEAT = re.compile(r"\b[A-Za-z][\w-]*@(\d+(?:\.\d+)?)C")


def tegrastats_program() -> str | None:
    """Where the program is; None on what is no Jetson."""
    return shutil.which("tegrastats")


def reading_in(line: str) -> Reading:
    """Read a line as JetPack 5 and 6 print it: `VDD_IN 4940mW/4940mW`, `GR3D_FREQ 0%@[305]`, `cpu@48.5C`."""
    rails = {name: float(now) / 1e3 for name, now, _ in _RAIL.findall(line) if name not in ("RAM", "SWAP")}
    side_by_side = [watts for name, watts in rails.items() if name not in BEHIND]
    total = next((rails[name] for name in TOTAL if name in rails), sum(side_by_side) if side_by_side else None)
    clock, heat = _GPU.search(line), [float(value) for value in _HEAT.findall(line)]
    return Reading(
        power_w=total,
        clock_mhz=float(clock[1]) if clock else None,
        temperature_c=max(heat, default=None),
    )


class Tegrastats:
    """The program running in the background; `read` gives its newest line."""

    source = "tegrastats"

    def __init__(self, program: str) -> None:
        self._latest = Reading()
        self._process = subprocess.Popen(  # noqa: S603  # the path is where the system has the program
            [program, "--interval", str(PERIOD_MS)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self._thread = Background(self._follow, "tegrastats")
        self._thread.start()

    def read(self) -> Reading:
        """The newest line's figures; nothing before the first line. Raises what went wrong in a line."""
        self._thread.check()
        return self._latest

    def device_mib(self, pid: int) -> float | None:
        """Nobody says: a Jetson's GPU shares the host's memory."""
        return None

    def close(self) -> None:
        """End the program."""
        self._process.terminate()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._thread.stop()

    def _follow(self) -> None:
        for line in self._process.stdout or ():
            self._latest = reading_in(line)
