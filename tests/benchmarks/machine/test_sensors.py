"""Sensors read from files laid out as the kernel and NVIDIA's tools lay them out."""

from __future__ import annotations

from pathlib import Path

import pytest

from coconet.benchmarks.latency.sampler import energy_of
from coconet.benchmarks.machine.hwmon import power_rails
from coconet.benchmarks.machine.sensor import Reading
from coconet.benchmarks.machine.sensors import SysfsSensor, open_sensor
from coconet.benchmarks.machine.tegrastats import reading_in

ORIN = (
    "11-24-2026 12:00:01 RAM 3221/15523MB (lfb 4x2MB) SWAP 12/7761MB (cached 0MB) "
    "CPU [3%@1510,1%@1510,off,off] EMC_FREQ 2%@2133 GR3D_FREQ 41%@[611] NVENC off "
    "cpu@48.5C soc2@46.25C gpu@49.75C tj@49.75C VDD_GPU_SOC 2410mW/2410mW VDD_CPU_CV 803mW/803mW VDD_IN 7921mW/7900mW"
)


def lay_out(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    return root


def test_the_input_rail_of_a_jetson_counts_alone(tmp_path: Path) -> None:
    chip = "class/hwmon/hwmon1"
    files = {f"{chip}/in1_label": "VDD_IN", f"{chip}/in1_input": "19000", f"{chip}/curr1_input": "400"}
    files |= {f"{chip}/in2_label": "VDD_GPU_SOC", f"{chip}/in2_input": "18900", f"{chip}/curr2_input": "100"}
    (rail,) = power_rails(lay_out(tmp_path, files))
    assert rail.name == "VDD_IN"
    assert rail.power_w() == pytest.approx(7.6)


def rails_of(channels: dict[str, tuple[int, int]], chip: str = "sys/class/hwmon/hwmon3") -> dict[str, str]:
    """Files of an INA3221: label to millivolts and milliamperes, a channel each."""
    files: dict[str, str] = {}
    for number, (label, (millivolts, milliamperes)) in enumerate(channels.items(), 1):
        files |= {f"{chip}/in{number}_label": label, f"{chip}/in{number}_input": str(millivolts)}
        files[f"{chip}/curr{number}_input"] = str(milliamperes)
    return files


AGX_ORIN = {
    **rails_of({"VDD_GPU_SOC": (19000, 400), "VDD_CPU_CV": (19000, 200), "VIN_SYS_5V0": (5000, 800)}),
    **rails_of({"NC": (0, 0), "VDDQ_VDD2_1V8AO": (5000, 100)}, "sys/class/hwmon/hwmon4"),
}
ORIN_NX = rails_of({"VDD_IN": (5000, 1600), "VDD_CPU_GPU_CV": (5000, 500), "VDD_SOC": (5000, 300)})
THOR = {
    **rails_of({"VDD_GPU": (12000, 500), "VDD_CPU_SOC_MSS": (12000, 400), "VIN_SYS_5V0": (5000, 900)}),
    "sys/class/hwmon/hwmon5/name": "ina238",
    "sys/class/hwmon/hwmon5/power1_input": "26000000",
}


@pytest.mark.parametrize(
    ("files", "names", "watts"),
    [
        (AGX_ORIN, ["VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0"], 15.4),
        (ORIN_NX, ["VDD_IN"], 8.0),
        (THOR, ["VIN"], 26.0),
    ],
)
def test_each_board_counts_what_it_draws_once(
    files: dict[str, str], names: list[str], watts: float, tmp_path: Path
) -> None:
    rails = power_rails(lay_out(tmp_path, files) / "sys")
    assert [rail.name for rail in rails] == names
    assert sum(rail.power_w() or 0 for rail in rails) == pytest.approx(watts)


class Nvml:
    """NVML that opens; told: what it then knows."""

    source = "NVML"

    def __init__(self, told: Reading) -> None:
        self.told, self.closed = told, False

    def read(self) -> Reading:
        return self.told

    def device_mib(self, pid: int) -> float | None:
        return None

    def close(self) -> None:
        self.closed = True


def test_a_jetson_is_read_by_its_rails_although_nvml_opens(tmp_path: Path) -> None:
    gpu = {"etc/nv_tegra_release": "# R36 (release)", "sys/class/devfreq/17000000.gpu/cur_freq": "918000000"}
    sensor = open_sensor(lay_out(tmp_path, ORIN_NX | gpu), lambda: Nvml(Reading()))
    assert sensor.source == "power rails VDD_IN"
    assert sensor.read() == Reading(8.0, 918.0)


def test_nvml_counts_if_it_knows_anything(tmp_path: Path) -> None:
    silent, telling = Nvml(Reading()), Nvml(Reading(clock_mhz=1500.0))
    assert open_sensor(tmp_path, lambda: telling) is telling
    assert open_sensor(tmp_path, lambda: silent).source.startswith("the kernel's")
    assert (silent.closed, telling.closed) == (True, False)


def test_a_chip_that_gives_microwatts_is_read_too(tmp_path: Path) -> None:
    chip = "class/hwmon/hwmon0"
    rails = power_rails(lay_out(tmp_path, {f"{chip}/name": "amdgpu", f"{chip}/power1_input": "35000000"}))
    assert [(rail.name, rail.power_w()) for rail in rails] == [("amdgpu", 35.0)]


def test_clock_heat_and_a_throttle_event_come_from_the_kernel(tmp_path: Path) -> None:
    core = "devices/system/cpu/cpu0"
    files = {f"{core}/cpufreq/scaling_cur_freq": "2400000", "class/thermal/thermal_zone0/temp": "61500"}
    files[f"{core}/thermal_throttle/core_throttle_count"] = "7"
    sensor = SysfsSensor(lay_out(tmp_path, files))
    assert sensor.read() == Reading(None, 2400.0, 61.5, throttled=False)
    lay_out(tmp_path, {f"{core}/thermal_throttle/core_throttle_count": "8"})
    assert sensor.read().throttled


def test_a_machine_without_sensors_says_nothing(tmp_path: Path) -> None:
    assert SysfsSensor(tmp_path, power_rails(tmp_path)).read() == Reading()


def test_a_line_of_tegrastats_is_read() -> None:
    assert reading_in(ORIN) == Reading(power_w=7.921, clock_mhz=611.0, temperature_c=49.75)


def test_a_line_of_an_agx_orin_counts_its_memory_once_and_one_of_thor_its_input_alone() -> None:
    agx = "VDD_GPU_SOC 3150mW/2971mW VDD_CPU_CV 14312mW/12415mW VIN_SYS_5V0 4968mW/5048mW VDDQ_VDD2_1V8AO 1091mW/1091mW"
    thor = "VDD_GPU 0mW/0mW VDD_CPU_SOC_MSS 4716mW/4716mW VIN_SYS_5V0 5330mW/5330mW VIN 26508mW/26508mW"
    assert [reading_in(line).power_w for line in (agx, thor)] == pytest.approx([22.43, 26.508])


def test_rails_are_added_up_where_no_input_is_told() -> None:
    assert reading_in("GPU 2400/2400 CPU 600/610 cpu@40C").power_w == 3.0


def test_energy_is_mean_power_times_the_time_of_a_frame() -> None:
    readings = [Reading(10.0, 600.0, 50.0, False), Reading(20.0, 400.0, 70.0, True), Reading()]
    found = energy_of("made up", readings, frame_ms=40.0)
    assert found.mean_w == 15.0
    assert found.frame_j == pytest.approx(0.6)
    assert (found.clock_mhz, found.hottest_c, found.throttled) == (500.0, 70.0, True)
