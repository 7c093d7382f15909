"""What this machine says of its NVIDIA GPU: driver, CUDA, compute capability, and whether this user may use it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from coconet.errors import CoconetError
from coconet.installation.kernel_files import text_in
from coconet.runtime.backends.gpu.libcuda import Libcuda
from coconet.runtime.backends.gpu.open_memory import open_gpu_memory
from coconet.runtime.backends.tensorrt.cuda_device import first_cuda_device
from coconet.runtime.doctor.finding import Finding
from coconet.runtime.doctor.jetson import read_jetson

NODES = ("nvidia0", "nvidiactl", "nvidia-uvm", "nvmap", "nvhost-gpu")
"""What CUDA opens under /dev: the first three on desktops, the others on a Jetson."""


def gpu_findings(root: Path = Path("/")) -> Iterator[Finding]:
    """Read the kernel module's version and the device nodes under `root`, and ask the driver's library itself."""
    version = re.search(r"\b(\d{3}\.\d+(?:\.\d+)?)\b", text_in(root / "proc/driver/nvidia/version"))
    version_text = version[1] if version else text_in(root / "sys/module/nvidia/version")
    if version_text:
        yield Finding("driver", "ok", version_text)
    yield from _permissions(root)
    try:
        device = first_cuda_device()
    except CoconetError as error:
        yield _no_gpu(root, error.got, version_text)
        return
    yield Finding("CUDA of the driver", "ok", driver_cuda() or "unknown")
    memory = "shares the host's memory" if device.integrated else "has memory of its own"
    major, minor = device.compute_capability
    yield Finding("GPU", "ok", f"{device.name}, compute capability {major}.{minor} ({device.sm}), {memory}")
    yield _way_to_it()


def _way_to_it() -> Finding:
    try:
        memory = open_gpu_memory()
    except CoconetError as error:
        return Finding("frames to the GPU", "bad", f"{error.where}: {error.got}", error.remedy)
    graphs = "without" if memory.graphs is None else "with"
    return Finding("frames to the GPU", "ok", f"by {memory.name}, {graphs} CUDA graphs")


def _no_gpu(root: Path, got: str, module: str) -> Finding:
    """A machine that has an NVIDIA card and cannot use it is broken; one without is merely slower.

    module: the version of the kernel module, whose library has to be of the same one; empty if none is loaded.
    """
    if read_jetson(root) is not None:
        return Finding("GPU", "bad", got, "sudo apt install nvidia-jetpack && sudo reboot")
    if module:
        branch = module.partition(".")[0]
        return Finding("GPU", "bad", got, f"sudo apt install --reinstall nvidia-driver-{branch} && sudo reboot")
    vendors = (text_in(path) for path in (root / "sys/bus/pci/devices").glob("*/vendor"))
    if "0x10de" in vendors:
        return Finding("GPU", "bad", f"an NVIDIA card and {got}", "sudo ubuntu-drivers install && sudo reboot")
    return Finding("GPU", "note", f"none from NVIDIA; models run on the processor ({got})")


def _permissions(root: Path) -> Iterator[Finding]:
    for node in (root / "dev" / name for name in NODES):
        if node.exists() and not os.access(node, os.R_OK | os.W_OK):
            remedy = f"sudo usermod -aG video,render {os.environ.get('USER', '$USER')}  # then log in again"
            yield Finding("permission", "bad", f"this user may not open {node}", remedy)


def driver_cuda() -> str | None:
    """The newest CUDA that the driver runs, such as `12.6`; None if there is no driver that answers."""
    with suppress(CoconetError):
        version = Libcuda().call("cuDriverGetVersion")
        return f"{version // 1000}.{version % 1000 // 10}"
    return None
