"""The fingerprint of a device, from files as a Jetson has them."""

from __future__ import annotations

from pathlib import Path

from coconet.benchmarks.machine.device import this_device


def write(root: Path, name: str, text: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)


def test_a_jetson_is_told_by_its_board_and_release(tmp_path: Path) -> None:
    write(tmp_path, "proc/device-tree/model", "NVIDIA Jetson Orin Nano Developer Kit\0")
    write(tmp_path, "etc/nv_tegra_release", "# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic")
    write(tmp_path, "usr/local/cuda/version.json", '{"cuda": {"name": "CUDA SDK", "version": "12.6.11"}}')
    write(tmp_path, "proc/meminfo", "MemTotal:        7802404 kB\n")
    write(tmp_path, "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "schedutil\n")
    write(tmp_path, "sys/devices/system/cpu/cpu0/cpufreq/scaling_max_freq", "1510400\n")
    device = this_device(tmp_path)
    assert (device.jetpack, device.cuda, device.memory_gib) == ("L4T 36.4.3", "12.6.11", 7.4)
    assert device.governor == "schedutil, up to 1510 MHz"
    assert device.name == "NVIDIA Jetson Orin Nano Developer Kit"


def test_a_machine_that_tells_nothing_still_has_a_name(tmp_path: Path) -> None:
    device = this_device(tmp_path)
    assert device.name == f"{device.processor}, {device.cores} cores"
    assert device.jetpack is None
    assert any(package.startswith("numpy ") for package in device.packages)
