"""The processor of this machine: whether it adds up products of INT8 without loss."""

from __future__ import annotations

from pathlib import Path

import pytest

from coconet.installation.processor import has_bf16, processor_kind, sums_int8_exactly


def write_flags(root: Path, flags: str, key: str = "flags\t\t") -> None:
    info = root / "proc" / "cpuinfo"
    info.parent.mkdir(exist_ok=True)
    core = f"model name\t: AMD EPYC\n{key}: {flags}\n"
    info.write_text(f"processor\t: 0\n{core}\nprocessor\t: 1\n{core}")


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
    write_flags(tmp_path, flags)
    assert sums_int8_exactly(tmp_path, machine) == exact


def test_a_processor_without_flags_counts_as_one_that_saturates(tmp_path: Path) -> None:
    assert not sums_int8_exactly(tmp_path, "x86_64")
    assert sums_int8_exactly(tmp_path, "arm64")


@pytest.mark.parametrize(
    ("key", "flags", "units"),
    [
        ("flags\t\t", "avx2 avx512f avx512_vnni", False),
        ("flags\t\t", "avx512f avx512_bf16", True),
        ("Features\t", "fp asimd i8mm bf16", True),
        ("Features\t", "fp asimd", False),
    ],
)
def test_flags_tell_whether_there_is_bf16(tmp_path: Path, key: str, flags: str, units: bool) -> None:
    write_flags(tmp_path, flags, key)
    assert has_bf16(tmp_path) == units


def test_processors_of_one_name_and_other_instructions_are_two_kinds(tmp_path: Path) -> None:
    kinds = []
    for flags in ("avx2 fma", "fma avx2", "fma avx2 avx512f"):
        write_flags(tmp_path, flags)
        kinds.append(processor_kind(tmp_path))
    assert kinds[0] == kinds[1] != kinds[2]
    assert all(kind.startswith("AMD EPYC, ") for kind in kinds)
