"""The doctor on machines made of files: a Jetson, a broken desktop, and this one."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from coconet.errors import CoconetError
from coconet.runtime.backends.gpu import libcuda
from coconet.runtime.backends.tensorrt.cuda_device import CudaDevice
from coconet.runtime.commands.doctor import doctor as command
from coconet.runtime.doctor import doctor
from coconet.runtime.doctor import gpu as gpu_facts
from coconet.runtime.doctor.doctor import Diagnosis, camera_findings
from coconet.runtime.doctor.finding import Finding
from coconet.runtime.doctor.gpu import gpu_findings
from coconet.runtime.doctor.jetson import GpuClock, Jetson, jetson_findings, read_jetson
from coconet.runtime.doctor.packages import PROBES, Probe, package_findings, run_probe
from coconet.runtime.doctor.v4l2 import V4l2Device, V4l2Format
from tests.support.called import call

TEGRA = "# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic, EABI: aarch64"


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def by_subject(findings: Iterable[Finding]) -> dict[str, Finding]:
    return {finding.subject: finding for finding in findings}


def test_a_jetson_tells_board_jetpack_power_mode_and_clock(tmp_path: Path) -> None:
    clocks = "sys/class/devfreq/17000000.gpu"
    root = write(
        tmp_path,
        {
            "etc/nv_tegra_release": TEGRA,
            "proc/device-tree/model": "NVIDIA Jetson Orin Nano Developer Kit\0",
            "var/lib/nvpmodel/status": "pmode:0001",
            f"{clocks}/cur_freq": "306000000",
            f"{clocks}/max_freq": "624750000",
            f"{clocks}/min_freq": "306000000",
        },
    )
    found = by_subject(jetson_findings(root))
    assert found["board"].found == "NVIDIA Jetson Orin Nano Developer Kit"
    assert found["JetPack"] == Finding("JetPack", "ok", "6.1 or 6.2 (L4T 36.4.3)")
    assert found["power mode"].found.startswith("1;")
    assert found["GPU clock"].found.startswith("306 of 624 MHz, rises with load")


def test_jetpack_5_is_told_what_it_lacks(tmp_path: Path) -> None:
    root = write(tmp_path, {"etc/nv_tegra_release": TEGRA.replace("R36", "R35")})
    assert by_subject(jetson_findings(root))["JetPack"].state == "bad"


def test_another_machine_is_no_jetson(tmp_path: Path) -> None:
    assert list(jetson_findings(tmp_path)) == []


@pytest.mark.parametrize(
    ("files", "state", "remedy"),
    [
        ({}, "note", ""),
        ({"sys/bus/pci/devices/0000:01:00.0/vendor": "0x10de"}, "bad", "ubuntu-drivers install"),
        ({"sys/module/nvidia/version": "580.159"}, "bad", "--reinstall nvidia-driver"),
        ({"etc/nv_tegra_release": TEGRA}, "bad", "apt install nvidia-jetpack"),
    ],
)
def test_a_gpu_that_cannot_be_used_is_bad_and_none_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], state: str, remedy: str
) -> None:
    monkeypatch.setattr(libcuda, "DRIVER_LIBRARY", "libno-such-driver.so.1")
    found = by_subject(gpu_findings(write(tmp_path, files)))["GPU"]
    assert found.state == state
    assert remedy in found.remedy


def test_a_gpu_tells_its_compute_capability(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_facts, "first_cuda_device", lambda: CudaDevice("Orin", (8, 7), integrated=True))
    monkeypatch.setattr(gpu_facts, "_cuda_version", lambda: "12.6")
    version = "NVRM version: NVIDIA UNIX Open Kernel Module for aarch64  540.4.0  Release Build"
    found = by_subject(gpu_findings(write(tmp_path, {"proc/driver/nvidia/version": version})))
    assert found["driver"].found == "540.4.0"
    assert found["GPU"].found == "Orin, compute capability 8.7 (sm87), shares the host's memory"


@pytest.mark.parametrize(
    ("status", "stderr", "needed", "state", "words"),
    [
        (1, "ModuleNotFoundError: No module named 'x'", False, "note", "not installed"),
        (1, "ModuleNotFoundError: No module named 'x'", True, "bad", "not installed"),
        (1, "ImportError: libcudart.so.13: cannot open", False, "bad", "does not load: ImportError: libcudart"),
        (-11, "", False, "bad", "its process ended with -11"),
    ],
)
def test_a_package_that_does_not_load_is_worse_than_one_that_is_missing(
    status: int, stderr: str, needed: bool, state: str, words: str
) -> None:
    def run(code: str) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess([], status, "", stderr)

    found = run_probe(Probe("X", "", "pip install x", needed), run)
    assert (found.state, found.remedy) == (state, "pip install x")
    assert words in found.found


def test_a_package_that_hangs_does_not_hang_the_doctor() -> None:
    def run(code: str) -> subprocess.CompletedProcess[str]:
        raise subprocess.TimeoutExpired("python", 60)

    assert [finding.state for finding in package_findings(run)] == ["bad"] * len(PROBES)


def test_the_base_install_loads_here() -> None:
    found = {probe.subject: run_probe(probe, _really) for probe in PROBES if probe.needed}
    assert {finding.state for finding in found.values()} == {"ok"}
    assert "v4l" in found["OpenCV"].found
    assert "on the processor" in found["ONNX Runtime"].found


def _really(code: str) -> subprocess.CompletedProcess[str]:
    from coconet.runtime.doctor.packages import _run

    return _run(code)


def test_cameras_tell_formats_or_what_keeps_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USER", "ann")
    good = V4l2Device(Path("/dev/video0"), None, "Boson", "uvcvideo", (V4l2Format("Y16 ", "gray", ((640, 512),)),))
    shut = V4l2Device(Path("/dev/video2"), None, problem="Permission denied")
    first, second = camera_findings([good, shut])
    assert first.found == "Boson (uvcvideo): Y16 640x512"
    assert second.remedy == "sudo usermod -aG video ann  # then log in again"


def test_a_bad_line_without_a_command_is_not_made() -> None:
    with pytest.raises(CoconetError, match="wanted a remedy"):
        Finding("GPU", "bad", "broken")


def test_the_command_ends_with_1_where_something_is_bad(monkeypatch: pytest.MonkeyPatch) -> None:
    bad = [Finding("GPU", "bad", "broken", "sudo mend"), Finding("OpenCV", "ok", "5.0")]
    monkeypatch.setattr(doctor, "diagnose", lambda: iter(bad))
    table, told = call(command), call(command, "--json")
    assert (table.exit_code, told.exit_code) == (1, 1)
    assert "-> sudo mend" in table.output
    lines = json.loads(told.output[told.output.index("{") :])
    assert (lines["healthy"], lines["findings"][0]["remedy"]) == (False, "sudo mend")
    assert Diagnosis(tuple(bad[1:])).healthy


def test_the_facts_of_a_jetson_are_read_once_for_the_doctor_and_the_benchmark(tmp_path: Path) -> None:
    root = write(tmp_path, {"etc/nv_tegra_release": f"{TEGRA}\nmore", "proc/device-tree/model": "Orin\0"})
    assert read_jetson(root) == Jetson("Orin", TEGRA, "36.4.3", None, ())
    assert by_subject(jetson_findings(root))["power mode"].found == "unknown; see: sudo nvpmodel -q"
    write(root, {"var/lib/nvpmodel/status": "pmode:0000", "etc/nv_tegra_release": "# R39 (release), REVISION: 2"})
    jetson = read_jetson(root)
    assert jetson is not None
    assert (jetson.power_mode, jetson.l4t, jetson.jetpack) == (0, "39.2", "7.2")


@pytest.mark.parametrize(
    ("release", "state", "found"),
    [
        ("# R36 (release), REVISION: 9.1, X", "ok", "of an unknown number (L4T 36.9.1)"),
        ("something else\nand more", "note", "an L4T release this does not read: something else"),
    ],
)
def test_a_release_that_is_not_known_is_said_so(tmp_path: Path, release: str, state: str, found: str) -> None:
    root = write(tmp_path, {"etc/nv_tegra_release": release})
    finding = by_subject(jetson_findings(root))["JetPack"]
    assert (finding.state, finding.found) == (state, found)


def test_clocks_of_half_a_folder_are_left_out(tmp_path: Path) -> None:
    clocks = "sys/class/devfreq"
    files = {"etc/nv_tegra_release": TEGRA, f"{clocks}/a.gpu/cur_freq": "1", f"{clocks}/b.gpu/cur_freq": "306000000"}
    jetson = read_jetson(write(tmp_path, files | {f"{clocks}/b.gpu/max_freq": "306000000", f"{clocks}/a.gpu/x": ""}))
    assert jetson is not None
    assert jetson.gpu_clocks == (GpuClock(306000000, None, 306000000),)
