"""The processor of this machine: what it is called, and which of its cores this process may use."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from coconet.installation.kernel_files import value_in


def usable_cores() -> list[int]:
    """The numbers of the cores that this process may use."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))


def processor_name(root: Path = Path("/")) -> str:
    """What the kernel calls the processor; root: where its files lie."""
    return value_in(root / "proc/cpuinfo", "model name") or platform.processor() or platform.machine()
