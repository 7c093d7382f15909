"""Sensors: power, clock, temperature and throttling of the device, from whatever it has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from coconet.benchmarks.machine.hwmon import Rail, power_rails
from coconet.benchmarks.machine.sensor import Reading, Sensor
from coconet.benchmarks.machine.tegrastats import Tegrastats, tegrastats_program
from coconet.installation.kernel_files import number_in, tegra_release

ROOT = Path("/")


def open_sensor(root: Path = ROOT, nvml: Callable[[], Sensor] | None = None) -> Sensor:
    """Open what tells most: a GPU's NVML, a Jetson's power rails, tegrastats, or the kernel's own files.

    On a Jetson its rails come first: NVML opens there too, and an Orin's then knows nothing. root: where /etc and /sys
    lie. nvml: what opens NVML in its place in tests.
    """
    sys, jetson = root / "sys", bool(tegra_release(root))
    rails = power_rails(sys)
    if jetson and rails:
        return SysfsSensor(sys, rails, GPU_CLOCKS)
    if jetson and (program := tegrastats_program()):
        return Tegrastats(program)
    return _working_nvml(nvml or _nvml) or SysfsSensor(sys, rails)


def _nvml() -> Sensor:
    from coconet.benchmarks.machine.nvml import open_nvml

    return open_nvml()


def _working_nvml(opening: Callable[[], Sensor]) -> Sensor | None:
    with suppress(ImportError, OSError):
        sensor = opening()
        if sensor.read() != Reading():
            return sensor
        sensor.close()
    return None


@dataclass(frozen=True)
class ClockFiles:
    """Files that tell clocks, by a pattern under /sys, and how many of their unit make a megahertz."""

    pattern: str
    per_mhz: float


CORE_CLOCKS = ClockFiles("devices/system/cpu/cpu[0-9]*/cpufreq/scaling_cur_freq", 1e3)

GPU_CLOCKS = ClockFiles("class/devfreq/*gpu*/cur_freq", 1e6)
"""Of a Jetson, as the doctor reads them."""


class SysfsSensor:
    """The Linux kernel's own files: power rails where there are any, the fastest clock, the hottest zone.

    rails: files, as `power_rails` finds them. clocks: of the processor's cores, or of a Jetson's GPU. Throttled is a
    core whose count of thermal events went up since the sensor was opened, or a Jetson's over-current alarm.
    """

    def __init__(self, sys: Path, rails: Sequence[Rail] = (), clocks: ClockFiles = CORE_CLOCKS) -> None:
        self._rails = tuple(rails)
        self._clocks = sorted(sys.glob(clocks.pattern))
        self._per_mhz = clocks.per_mhz
        self._zones = sorted(sys.glob("class/thermal/thermal_zone*/temp"))
        self._alarms = [
            *sorted(sys.glob("devices/system/cpu/cpu[0-9]*/thermal_throttle/core_throttle_count")),
            *sorted(sys.glob("class/hwmon/hwmon*/oc*_event_cnt")),
        ]
        self._quiet = [number_in(path) for path in self._alarms]
        names = ", ".join(rail.name for rail in self._rails)
        self.source = f"power rails {names}" if names else "the kernel's clocks and temperatures, no power"

    def read(self) -> Reading:
        """Read every file; one that cannot be read counts as not there."""
        watts = [rail.power_w() for rail in self._rails]
        clocks = [clock for path in self._clocks if (clock := number_in(path)) is not None]
        zones = [zone for path in self._zones if (zone := number_in(path)) is not None]
        return Reading(
            power_w=sum(watt for watt in watts if watt is not None) if any(w is not None for w in watts) else None,
            clock_mhz=max(clocks) / self._per_mhz if clocks else None,
            temperature_c=max(zones) / 1e3 if zones else None,
            throttled=[number_in(path) for path in self._alarms] != self._quiet if self._alarms else None,
        )

    def device_mib(self, pid: int) -> float | None:
        """Nobody says: a Jetson's GPU shares the host's memory."""
        return None

    def close(self) -> None:
        """Nothing is held."""
