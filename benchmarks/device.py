"""The device a benchmark ran on: what somebody needs to know before comparing figures."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

REPORTED = (
    "coconet-edge",
    "numpy",
    "onnxruntime",
    "onnxruntime-gpu",
    "torch",
    "tensorrt",
    "tensorrt_rtx_cu13_bindings",
)


@dataclass(frozen=True)
class Device:
    """processor: its name. cores: how many of them this process may use. packages: `name version`, where installed."""

    processor: str
    cores: int
    system: str
    python: str
    packages: tuple[str, ...]


def this_device() -> Device:
    """Look at the machine this process runs on."""
    return Device(
        processor=_processor(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        system=platform.platform(terse=True),
        python=sys.version.split()[0],
        packages=tuple(f"{name} {found}" for name in REPORTED if (found := _installed(name))),
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
