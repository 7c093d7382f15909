"""Files of the kernel, and what stands in for one that is missing, empty or of another form."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from coconet.installation.kernel_files import bytes_in, number_in, text_in, value_in

ROOT = Path(__file__).resolve().parents[3]
PARTS = ("coconet", "runtime", "export", "calibration", "benchmarks")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "file"


@pytest.mark.parametrize(
    ("content", "text", "number"),
    [
        (b"2400000\n", "2400000", 2400000.0),
        (b"-12.5 of 80\n", "-12.5 of 80", -12.5),
        (b"NVIDIA Jetson Orin\0", "NVIDIA Jetson Orin", None),
        (b"", "", None),
        (b" \n\0", "", None),
        (b"\xff\xfe", "\ufffd\ufffd", None),
    ],
)
def test_a_text_and_the_number_it_begins_with(file: Path, content: bytes, text: str, number: float | None) -> None:
    file.write_bytes(content)
    assert (text_in(file), number_in(file)) == (text, number)


def test_what_cannot_be_read_is_as_if_it_were_not_there(tmp_path: Path) -> None:
    for path in (tmp_path / "gone", tmp_path):
        assert (text_in(path), number_in(path), value_in(path, "a"), bytes_in(path, "a")) == ("", None, "", None)


def test_values_are_found_by_their_key(file: Path) -> None:
    file.write_text("model name\t: Cortex-A78AE\nmodel name\t: another\nempty:\nMemTotal:   7802404 kB\nPages: 7\n")
    assert value_in(file, "model name") == "Cortex-A78AE"
    assert (value_in(file, "model"), value_in(file, "empty")) == ("", "")
    assert bytes_in(file, "MemTotal") == 7802404 * 1024
    assert (bytes_in(file, "Pages"), bytes_in(file, "model name")) == (None, None)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the memory of a process is told by Linux")
def test_this_process_has_memory() -> None:
    status = Path("/proc/self/status")
    resident, most = bytes_in(status, "VmRSS"), bytes_in(status, "VmHWM")
    assert resident is not None
    assert most is not None
    assert os.sysconf("SC_PAGE_SIZE") < resident <= most


def test_no_other_file_reads_one() -> None:
    """Places under /proc and /sys are handed to this module, and the files of a Jetson are named once."""
    sources = {path: path.read_text() for part in PARTS for path in (ROOT / part).rglob("*.py")}
    reading = re.compile(r"""(proc|sys|etc|hwmon|devfreq|cpufreq)/[^\n]*\)\.(read_text|read_bytes|open)\(""")
    assert [path for path, text in sources.items() if reading.search(text)] == []
    of_the_kernel = re.compile(r"""["'/](proc|sys)["'/]""")
    readers = [path.name for path, text in sources.items() if of_the_kernel.search(text) and ".read_text(" in text]
    assert readers == ["kernel_files.py"]
    homes = {
        "nv_tegra_release": "kernel_files.py",
        "device-tree": "kernel_files.py",
        "nvpmodel.conf": "jetson.py",
        "pmode:": "jetson.py",
    }
    for fact, home in homes.items():
        assert [path.name for path, text in sources.items() if fact in text] == [home], fact
