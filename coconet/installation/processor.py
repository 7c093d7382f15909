"""The processor of this machine: what it is called, and which of its cores this process may use."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from coconet.installation.kernel_files import value_in

EXACT_INT8 = frozenset({"avx512_vnni", "avx_vnni", "amx_int8"})
"""Flags of the kernel for instructions that add up products of INT8 in 32 bits at once."""


def usable_cores() -> list[int]:
    """The numbers of the cores that this process may use."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))


def processor_name(root: Path = Path("/")) -> str:
    """What the kernel calls the processor; root: where its files lie."""
    return value_in(root / "proc/cpuinfo", "model name") or platform.processor() or platform.machine()


def sums_int8_exactly(root: Path = Path("/"), machine: str = platform.machine()) -> bool:
    """Whether this processor adds up products of INT8 without loss; root: where the kernel's files lie.

    x86 with AVX2 or AVX-512 alone adds two products in 16 bits, which saturates: two of 255 x 127 are 64,770 and become
    32,767. VNNI and AMX add in 32 bits. An x86 processor whose kernel lists no flags counts as one that saturates.
    """
    if machine.lower() not in ("x86_64", "amd64", "i686"):
        return True
    return not EXACT_INT8.isdisjoint(value_in(root / "proc/cpuinfo", "flags").split())
