"""The processor of this machine: what it is called, and which of its cores this process may use."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from zlib import crc32

from coconet.installation.kernel_files import value_in

EXACT_INT8 = frozenset({"avx512_vnni", "avx_vnni", "amx_int8"})
"""Flags of the kernel for instructions that add up products of INT8 in 32 bits at once."""

BF16 = frozenset({"avx512_bf16", "amx_bf16", "bf16"})
"""Flags of the kernel for instructions that multiply in BF16, the last one of Arm's."""


def usable_cores() -> list[int]:
    """The numbers of the cores that this process may use."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))


def processor_name(root: Path = Path("/")) -> str:
    """What the kernel calls the processor; root: where its files lie."""
    return value_in(root / "proc/cpuinfo", "model name") or platform.processor() or platform.machine()


def processor_kind(root: Path = Path("/")) -> str:
    """What the kernel calls the processor, and a mark of its instructions: virtual machines give many one name."""
    return f"{processor_name(root)}, {crc32(' '.join(sorted(_flags(root))).encode()):08x}"


def has_bf16(root: Path = Path("/")) -> bool:
    """Whether this processor multiplies in BF16 by itself; without, libraries compute in FP32 what is asked in BF16."""
    return not BF16.isdisjoint(_flags(root))


def sums_int8_exactly(root: Path = Path("/"), machine: str = platform.machine()) -> bool:
    """Whether this processor adds up products of INT8 without loss; root: where the kernel's files lie.

    x86 with AVX2 or AVX-512 alone adds two products in 16 bits, which saturates: two of 255 x 127 are 64,770 and become
    32,767. VNNI and AMX add in 32 bits. An x86 processor whose kernel lists no flags counts as one that saturates.
    """
    if machine.lower() not in ("x86_64", "amd64", "i686"):
        return True
    return not EXACT_INT8.isdisjoint(_flags(root))


def _flags(root: Path) -> list[str]:
    info = root / "proc/cpuinfo"
    return (value_in(info, "flags") or value_in(info, "Features")).split()
