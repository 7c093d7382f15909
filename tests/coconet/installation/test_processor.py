"""The processor of this machine: whether it adds up products of INT8 without loss."""

from __future__ import annotations

from pathlib import Path

import pytest

from coconet.installation.processor import sums_int8_exactly


@pytest.mark.parametrize(
    ("machine", "flags", "exact"),
    [
        ("x86_64", "fma sse4_2 avx avx2", False),
        ("x86_64", "avx2 avx512f avx512bw avx512vl", False),
        ("x86_64", "avx2 avx512f avx512_vnni", True),
        ("x86_64", "avx2 avx_vnni", True),
        ("AMD64", "avx512f amx_bf16 amx_tile amx_int8", True),
        ("AMD64", "avx2", False),
        ("aarch64", "fp asimd", True),
    ],
)
def test_flags_tell_whether_int8_saturates(tmp_path: Path, machine: str, flags: str, exact: bool) -> None:
    info = tmp_path / "proc" / "cpuinfo"
    info.parent.mkdir()
    info.write_text(f"processor\t: 0\nflags\t\t: {flags}\n\nprocessor\t: 1\nflags\t\t: {flags}\n")
    assert sums_int8_exactly(tmp_path, machine) == exact


def test_a_processor_without_flags_counts_as_one_that_saturates(tmp_path: Path) -> None:
    assert not sums_int8_exactly(tmp_path, "x86_64")
    assert sums_int8_exactly(tmp_path, "arm64")
