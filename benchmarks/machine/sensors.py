"""Sensors: power, clock, temperature and throttling of the device, from whatever it has."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from coconet.benchmarks.machine.hwmon import Rail, power_rails
from coconet.benchmarks.machine.sensor import Reading, Sensor
from coconet.benchmarks.machine.tegrastats import Tegrastats, tegrastats_program
from coconet.runtime.doctor.kernel_files import number_in

SYS = Path("/sys")


def open_sensor(sys: Path = SYS) -> Sensor:
    """Open the best there is: NVML of a desktop GPU, power rails of a Jetson, tegrastats, or the kernel's own files."""
    with suppress(ImportError, OSError):
        from coconet.benchmarks.machine.nvml import open_nvml

        return open_nvml()
    rails = power_rails(sys)
    if not rails and (program := tegrastats_program()):
        return Tegrastats(program)
    return SysfsSensor(sys, rails)


class SysfsSensor:
    """The Linux kernel's own files: power rails where there are any, the first core's clock, the hottest zone.

    rails: files, as `power_rails` finds them. Throttled is a core whose count of thermal events went up since the
    sensor was opened, or a Jetson's over-current alarm.
    """

    def __init__(self, sys: Path, rails: Sequence[Rail] = ()) -> None:
        self._rails = tuple(rails)
        self._clocks = sorted(sys.glob("devices/system/cpu/cpu[0-9]*/cpufreq/scaling_cur_freq"))
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
            clock_mhz=max(clocks) / 1e3 if clocks else None,
            temperature_c=max(zones) / 1e3 if zones else None,
            throttled=[number_in(path) for path in self._alarms] != self._quiet if self._alarms else None,
        )

    def device_mib(self, pid: int) -> float | None:
        """Nobody says: a Jetson's GPU shares the host's memory."""
        return None

    def close(self) -> None:
        """Nothing is held."""
