"""The device a benchmark ran on: what somebody needs to know before comparing figures."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from coconet.config import Checked

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

ASK_S = 10.0


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
        return self.board if self.board and self.jetpack else f"{self.processor}, {self.cores} cores"


def usable_cores() -> list[int]:
    """The numbers of the cores that this process may use."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))


def this_device(root: Path = ROOT) -> Device:
    """Look at the machine this process runs on; root: where its files lie."""
    cores = len(usable_cores())
    return Device(
        processor=_processor(root),
        cores=cores,
        memory_gib=_memory_gib(root),
        board=_text(root / "proc/device-tree/model") or _text(root / "sys/class/dmi/id/product_name"),
        gpus=_gpus(),
        jetpack=_jetpack(root),
        cuda=_cuda(root),
        power_mode=_power_mode(),
        governor=_governor(root),
        busy=round(os.getloadavg()[0] / cores, 2) if hasattr(os, "getloadavg") else None,
        system=platform.platform(terse=True),
        python=sys.version.split()[0],
        packages=tuple(f"{name} {found}" for name in REPORTED if (found := _installed(name))),
    )


def _processor(root: Path) -> str:
    lines = (_text(root / "proc/cpuinfo") or "").splitlines()
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def _memory_gib(root: Path) -> float | None:
    found = re.search(r"MemTotal:\s+(\d+) kB", _text(root / "proc/meminfo") or "")
    return round(int(found[1]) / 2**20, 1) if found else None


def _gpus() -> tuple[str, ...]:
    with suppress(ImportError, OSError):
        from coconet.benchmarks.machine.nvml import gpu_names

        return gpu_names()
    return ()


def _jetpack(root: Path) -> str | None:
    """`R36 (release), REVISION: 4.3, ...` becomes `L4T 36.4.3`: JetPack 6 is L4T 36, JetPack 7 is 38."""
    found = re.search(r"R(\d+) \(release\), REVISION: ([\d.]+)", _text(root / "etc/nv_tegra_release") or "")
    return f"L4T {found[1]}.{found[2]}" if found else None


def _cuda(root: Path) -> str | None:
    found = re.search(r'"cuda"[^}]*"version"\s*:\s*"([\d.]+)"', _text(root / "usr/local/cuda/version.json") or "")
    return found[1] if found else None


def _power_mode() -> str | None:
    program = shutil.which("nvpmodel")
    if program is None:
        return None
    with suppress(OSError, subprocess.SubprocessError):
        asked = subprocess.run(  # noqa: S603  # the path is where the system has the program
            [program, "-q"], capture_output=True, text=True, timeout=ASK_S, check=True
        )
        found = re.search(r"NV Power Mode:\s*(\S+)", asked.stdout)
        return found[1] if found else None
    return None


def _governor(root: Path) -> str | None:
    core = root / "sys/devices/system/cpu/cpu0/cpufreq"
    name, highest = _text(core / "scaling_governor"), _text(core / "scaling_max_freq")
    if name is None:
        return None
    return f"{name}, up to {int(highest) // 1000} MHz" if highest and highest.isdigit() else name


def _text(path: Path) -> str | None:
    """What a file says, without the zeros a device tree ends in; None where it cannot be read or is empty."""
    with suppress(OSError):
        return path.read_text(encoding="utf-8", errors="replace").strip("\0\n ") or None
    return None


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
