"""The device a benchmark ran on: what somebody needs to know before comparing figures."""

from __future__ import annotations

import os
import platform
import re
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from coconet.config import Checked
from coconet.errors import counted
from coconet.installation.kernel_files import board_name, bytes_in, number_in, text_in
from coconet.installation.processor import processor_name, usable_cores
from coconet.runtime.doctor.jetson import read_jetson

REPORTED = (
    "coconet-edge",
    "numpy",
    "onnxruntime",
    "onnxruntime-gpu",
    "openvino",
    "torch",
    "tensorrt",
    "tensorrt_rtx_cu13_bindings",
)

ROOT = Path("/")


class Device(Checked):
    """processor: its name. cores: how many of them this process may use. packages: `name version`, where installed.

    board: the maker's name for it. gpus: name, memory, driver. jetpack: the L4T release. cuda: the toolkit.
    power_mode: nvpmodel's. governor: how the processor chooses its clock, and the highest one. busy: the load average
    over the number of cores when the benchmark began, which is above 0 where others were at work. None: not told.
    """

    processor: str
    cores: int
    memory_gib: float | None = None
    board: str | None = None
    gpus: tuple[str, ...] = ()
    jetpack: str | None = None
    cuda: str | None = None
    power_mode: str | None = None
    governor: str | None = None
    busy: float | None = None
    system: str = ""
    python: str = ""
    packages: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What tells it apart in a table: the GPU or the board where there is one, else processor and cores."""
        if self.gpus:
            return self.gpus[0].partition(",")[0]
        return self.board if self.board and self.jetpack else f"{self.processor}, {counted(self.cores, 'core')}"


def this_device(root: Path = ROOT) -> Device:
    """Look at the machine this process runs on; root: where its files lie."""
    cores, jetson = len(usable_cores()), read_jetson(root)
    return Device(
        processor=processor_name(root),
        cores=cores,
        memory_gib=_memory_gib(root),
        board=board_name(root) or text_in(root / "sys/class/dmi/id/product_name") or None,
        gpus=_gpus(),
        jetpack=f"L4T {jetson.l4t}" if jetson and jetson.l4t else None,
        cuda=_cuda(root),
        power_mode=jetson.power_mode_name if jetson else None,
        governor=_governor(root),
        busy=round(os.getloadavg()[0] / cores, 2) if hasattr(os, "getloadavg") else None,
        system=platform.platform(terse=True),
        python=sys.version.split()[0],
        packages=tuple(f"{name} {found}" for name in REPORTED if (found := _installed(name))),
    )


def _memory_gib(root: Path) -> float | None:
    found = bytes_in(root / "proc/meminfo", "MemTotal")
    return None if found is None else round(found / 2**30, 1)


def _gpus() -> tuple[str, ...]:
    with suppress(ImportError, OSError):
        from coconet.benchmarks.machine.nvml import gpu_names

        return gpu_names()
    return ()


def _cuda(root: Path) -> str | None:
    found = re.search(r'"cuda"[^}]*"version"\s*:\s*"([\d.]+)"', text_in(root / "usr/local/cuda/version.json"))
    return found[1] if found else None


def _governor(root: Path) -> str | None:
    core = root / "sys/devices/system/cpu/cpu0/cpufreq"
    name, highest_khz = text_in(core / "scaling_governor"), number_in(core / "scaling_max_freq")
    if highest_khz is None:
        return name or None
    return f"{name}, up to {highest_khz / 1000:.0f} MHz" if name else None


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
