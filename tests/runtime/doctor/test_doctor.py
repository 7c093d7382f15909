"""The doctor on machines made of files: a Jetson, a broken desktop, and this one."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from coconet.errors import CoconetError
from coconet.installation.remedy import install_command
from coconet.runtime.backends.gpu import libcuda, open_memory
from coconet.runtime.backends.tensorrt.cuda_device import CudaDevice
from coconet.runtime.commands.doctor import doctor as command
from coconet.runtime.doctor import doctor, packages
from coconet.runtime.doctor import gpu as gpu_facts
from coconet.runtime.doctor.commands import command_findings
from coconet.runtime.doctor.doctor import Diagnosis, camera_findings
from coconet.runtime.doctor.finding import Finding
from coconet.runtime.doctor.gpu import gpu_findings
from coconet.runtime.doctor.jetson import GpuClock, Jetson, jetson_findings, read_jetson
from coconet.runtime.doctor.packages import PROBES, Probe, clashes, package_findings, run_probe
from coconet.runtime.doctor.v4l2 import V4l2Device, V4l2Format
from tests.support.gpu.stand_in_gpu import StandInGpu, driver_library
from tests.support.programs.called import call

ORIN_NANO_SUPER = """
< PARAM TYPE=FILE NAME=CPU_ONLINE >
CORE_0 /sys/devices/system/cpu/cpu0/online
< POWER_MODEL ID=0 NAME=15W >
CPU_ONLINE CORE_0 1
< POWER_MODEL ID=1 NAME=25W >
< POWER_MODEL ID=2 NAME=MAXN_SUPER >
< POWER_MODEL ID=3 NAME=7W >
< PM_CONFIG DEFAULT=1 >
"""

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
            "etc/nvpmodel.conf": ORIN_NANO_SUPER,
            f"{clocks}/cur_freq": "306000000",
            f"{clocks}/max_freq": "624750000",
            f"{clocks}/min_freq": "306000000",
        },
    )
    found = by_subject(jetson_findings(root))
    assert found["board"].found == "NVIDIA Jetson Orin Nano Developer Kit"
    assert found["JetPack"] == Finding("JetPack", "ok", "6.2 (L4T 36.4.3)")
    assert found["power mode"].found == "25W (1) of 15W (0), 25W (1), MAXN_SUPER (2), 7W (3)"
    assert found["power mode"].remedy == "sudo nvpmodel -m 2  # the fastest"
    assert found["GPU clock"].found.startswith("306 of 624 MHz, rises with load")


@pytest.mark.parametrize(
    ("modes", "fastest"),
    [
        ({0: "15W", 1: "25W", 2: "MAXN_SUPER", 3: "7W"}, 2),
        ({0: "MAXN", 1: "15W", 2: "30W", 3: "50W"}, 0),
        ({0: "15W", 1: "7W"}, 0),
        ({0: "MODE_10W", 1: "MODE_15W", 2: "MAXN", 3: "MAXN_SUPER"}, 3),
        ({}, None),
    ],
)
def test_the_fastest_mode_goes_by_its_name_and_not_by_its_number(modes: dict[int, str], fastest: int | None) -> None:
    assert Jetson("", "", None, 0, (), modes).fastest_mode == fastest


@pytest.mark.parametrize(
    ("revision", "jetpack"),
    [("3", "6.0"), ("4", "6.1"), ("4.4", "6.2.1"), ("4.7", "6.1, 6.2 or 6.2.1"), ("5", "6.2.2"), ("5.2", "6.2.2 or")],
)
def test_jetpack_goes_by_all_numbers_of_its_release(tmp_path: Path, revision: str, jetpack: str) -> None:
    root = write(tmp_path, {"etc/nv_tegra_release": f"# R36 (release), REVISION: {revision}, GCID: 1"})
    assert by_subject(jetson_findings(root))["JetPack"].found.startswith(jetpack + " ")


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
        ({"sys/module/nvidia/version": "535.183"}, "bad", "--reinstall nvidia-driver-535 "),
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


def test_a_gpu_tells_how_frames_come_to_it(driver: StandInGpu, tmp_path: Path) -> None:
    found = by_subject(gpu_findings(tmp_path))["frames to the GPU"]
    assert (found.state, found.found) == ("ok", "by libcuda, with CUDA graphs")


def test_a_gpu_that_takes_no_frames_is_bad(driver: StandInGpu, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_memory, "LIBRARIES", {"libcuda": open_memory.LIBRARIES["libcuda"]})
    driver.fail("cuMemAlloc_v2", code=2)
    found = by_subject(gpu_findings(tmp_path))["frames to the GPU"]
    assert (found.state, found.found) == ("bad", "GPU, cuMemAlloc: CUDA_ERROR_OUT_OF_MEMORY")
    assert "Close other programs" in found.remedy


@pytest.mark.parametrize(
    ("failing", "state", "words"),
    [("", "ok", ", moves frames"), ("cuMemAlloc_v2", "bad", "does not load: coconet.runtime.backends.gpu.refusal")],
)
def test_a_package_that_moves_frames_is_tried_on_the_gpu(
    driver: StandInGpu, monkeypatch: pytest.MonkeyPatch, failing: str, state: str, words: str
) -> None:
    pytest.importorskip("cuda.bindings")
    monkeypatch.setenv("LD_LIBRARY_PATH", str(driver_library().parent))
    monkeypatch.setenv("STAND_IN_FAIL", failing)
    (probe,) = (probe for probe in PROBES if probe.subject == "cuda-python")
    found = run_probe(probe, packages._run)
    assert (found.state, words in found.found) == (state, True), found


def test_a_gpu_tells_its_compute_capability(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_facts, "first_cuda_device", lambda: CudaDevice("Orin", (8, 7), integrated=True))
    monkeypatch.setattr(gpu_facts, "driver_cuda", lambda: "12.6")
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

    found = run_probe(Probe("X", "", "openvino", needed), run)
    assert found.state == state
    assert words in found.found
    again = "--force-reinstall --no-deps 'openvino>=" in found.remedy  # else pip leaves alone what is there
    assert again == (words != "not installed")


def test_a_package_that_hangs_does_not_hang_the_doctor() -> None:
    def run(code: str) -> subprocess.CompletedProcess[str]:
        raise subprocess.TimeoutExpired("python", 60)

    assert [finding.state for finding in package_findings(run)] == ["bad"] * len(PROBES)


@pytest.mark.parametrize(
    ("installed", "over_each_other", "extra"),
    [
        ({"onnxruntime": "a", "onnxruntime-gpu": "a"}, "onnxruntime onnxruntime-gpu", "[ort-gpu-cu12]"),
        ({"opencv-python": "a", "opencv-python-headless": "a"}, "opencv-python-headless opencv-python", "[headless]"),
        ({"opencv-python": "a", "opencv-python-headless": "b"}, "", ""),
        ({"onnxruntime": "a", "opencv-python": "a"}, "", ""),
    ],
)
def test_packages_that_overwrite_each_other_are_told(
    installed: dict[str, str], over_each_other: str, extra: str
) -> None:
    found = list(clashes(installed, cuda_major=12))
    assert [finding.state for finding in found] == ["bad"] * bool(over_each_other)
    assert all(f"uninstall -y {over_each_other} && " in finding.remedy for finding in found)
    assert all(extra in finding.remedy for finding in found)


def test_the_driver_of_cuda_12_is_told_what_it_can_run() -> None:
    def run(code: str) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess([], 1, "", "ModuleNotFoundError: No module named 'x'")

    old, new = (by_subject(package_findings(run, cuda_major=major)) for major in (12, 13))
    assert ["tensorrt-cu12" in old["TensorRT"].remedy, "gpu-cu12" in old["cuda-python"].remedy] == [True, True]
    assert ["tensorrt-cu12" in new["TensorRT"].remedy, "gpu-cu13" in new["cuda-python"].remedy] == [False, True]


def test_what_a_package_that_is_missing_would_be_for_is_told() -> None:
    def run(code: str) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess([], 1, "", "ModuleNotFoundError: No module named 'x'")

    found = by_subject(package_findings(run))
    assert found["pycuda"].found == "not installed; only --gpu-library pycuda needs it"
    assert {finding.found for finding in found.values() if finding.state == "bad"} == {"not installed"}


def test_each_command_is_told_as_it_can_run_here() -> None:
    found = by_subject(command_findings(lambda extra: ("scipy",) if extra == "metrics" else ()))
    assert found["coconet run"] == Finding("coconet run", "ok", "runs")
    assert found["coconet score"].found == "lacks metrics (scipy not found)"
    assert found["coconet score"].remedy == install_command("metrics")
    without = by_subject(command_findings(lambda extra: ("x",) if extra == "web" else ()))
    assert without["coconet run"].found == "runs; with the extra web also --view web"
    without = by_subject(command_findings(lambda extra: ("x",) if extra in ("export", "tensorrt") else ()))
    told = "runs; with the extra tensorrt also a .engine; with the extra export also coconet, .safetensors"
    assert without["coconet contact"].found == told
    without = by_subject(command_findings(lambda extra: ("gi",) if extra == "gstreamer" else ()))
    assert without["coconet run"].found == "runs; with the system's GStreamer (docs/rig.md) also csi:// and gst://"


@pytest.mark.parametrize("there", [True, False])
def test_a_command_that_needs_what_no_extra_brings_runs_only_where_that_is(there: bool) -> None:
    found = by_subject(command_findings(lambda _: (), lambda module: there or module != "rclpy"))
    assert found["coconet run"].found == "runs"
    if there:
        assert found["coconet ros"] == Finding("coconet ros", "ok", "runs")
    else:
        assert found["coconet ros"].found == "lacks rclpy, which no extra brings"
        assert "source /opt/ros/" in str(found["coconet ros"].remedy)


def test_what_every_device_needs_loads_here() -> None:
    found = {probe.subject: run_probe(probe, _really) for probe in PROBES if probe.extra in ("cpu", "headless")}
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
    with pytest.raises(CoconetError, match="no remedy says what to do"):
        Finding("GPU", "bad", "broken")


def test_the_command_ends_with_1_where_something_is_bad(monkeypatch: pytest.MonkeyPatch) -> None:
    bad = [Finding("GPU", "bad", "broken", "sudo repair"), Finding("OpenCV", "ok", "5.0")]
    monkeypatch.setattr(doctor, "diagnose", lambda: iter(bad))
    table, told = call(command), call(command, "--json")
    assert (table.exit_code, told.exit_code) == (1, 1)
    assert "-> sudo repair" in table.output
    lines = json.loads(told.output[told.output.index("{") :])
    assert (lines["healthy"], lines["findings"][0]["remedy"]) == (False, "sudo repair")
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
    assert jetson.gpu_clocks == (GpuClock(306000000, None, 306000000, "b.gpu"),)


def test_two_clocks_of_a_gpu_are_told_apart(tmp_path: Path) -> None:
    files = {
        f"sys/class/devfreq/gpu-{part}-0/{end}_freq": f"{mhz}000000"
        for part, mhz in (("gpc", 1575), ("nvd", 1692))
        for end in ("cur", "min", "max")
    }
    found = by_subject(jetson_findings(write(tmp_path, {"etc/nv_tegra_release": TEGRA, **files})))
    assert found["GPU clock gpu-gpc-0"].found == "1575 of 1575 MHz, fixed"
    assert found["GPU clock gpu-nvd-0"].found == "1692 of 1692 MHz, fixed"
