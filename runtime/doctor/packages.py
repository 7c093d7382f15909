"""Which optional packages are installed and truly load: TensorRT, GPU memory, ONNX Runtime, OpenVINO, OpenCV.

Each is imported in a process of its own: a broken one may end its process, or take seconds.
"""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from coconet.installation.flavours import FLAVOURS, installed_packages, restore_command
from coconet.installation.kernel_files import tegra_release
from coconet.installation.remedy import advice, exchange_command
from coconet.runtime.doctor.finding import Finding

TIMEOUT_S = 60


@dataclass(frozen=True)
class Probe:
    """A package: code that calls `say` with what to tell of it, the extra that brings it, and whether all need it.

    use: who needs it, in half a sentence, so that nobody else installs it.
    """

    subject: str
    code: str
    extra: str
    needed: bool = False
    use: str = ""


TENSORRT = "import tensorrt as t; say(t.__version__)"

RTX = "from coconet.runtime.backends.tensorrt.module import rtx_module; say(rtx_module().__version__)"

MOVES = """
from coconet.errors import CoconetError
from coconet.runtime.backends.gpu.open_memory import open_tried
from coconet.runtime.backends.tensorrt.cuda_device import first_cuda_device
def moves(library):
    try:
        first_cuda_device()
    except CoconetError:
        return "not tried, as there is no GPU"
    open_tried(library)
    return "moves frames"
"""
"""Installed says nothing of whether a package fits the driver: it has to move bytes."""

CUDA_PYTHON = f"""{MOVES}
from coconet.runtime.backends.gpu.cuda_python import driver_module, package_version
driver_module()
say(f"{{package_version()}}, {{moves('cuda-python')}}")
"""

PYCUDA = f"""{MOVES}
import pycuda, pycuda.driver
say(f"{{pycuda.VERSION_TEXT}}, {{moves('pycuda')}}")
"""

ONNXRUNTIME = """
import onnxruntime as o
from coconet.runtime.backends.cuda_provider import cuda_verdict
verdict = cuda_verdict()
say(f"{o.__version__} on the processor" + ("" if verdict else " and on CUDA") + (f"; {verdict}" if verdict else ""))
"""

OPENVINO = """
import sys
sys.modules["openvino_telemetry"] = None  # as runtime.backends.openvino.package says
import openvino as o
say(o.__version__.partition('-')[0] + ' on ' + ', '.join(o.Core().available_devices))
"""

OPENCV = """
import cv2, re
told = cv2.getBuildInformation()
has = {one: bool(re.search(rf"{one}[^:\\n]*:\\s+YES", told)) for one in ("GStreamer", "v4l/v4l2")}
say(cv2.__version__ + ", " + ", ".join(("with " if yes else "without ") + one for one, yes in has.items()))
"""

PROBES = (
    Probe("TensorRT", TENSORRT, "tensorrt", use="only engines for an NVIDIA GPU of this machine need it"),
    Probe("TensorRT for RTX", RTX, "rtx", use="only coconet build --gpu and what it builds need it"),
    Probe("cuda-python", CUDA_PYTHON, "gpu", use="only --gpu-library cuda-python needs it"),
    Probe("pycuda", PYCUDA, "pycuda", use="only --gpu-library pycuda needs it"),
    Probe("ONNX Runtime", ONNXRUNTIME, "cpu"),
    Probe("OpenVINO", OPENVINO, "openvino", use="on some processors it is faster than ONNX Runtime"),
    Probe("OpenCV", OPENCV, "headless", needed=True),
)

SUBJECTS = {"onnxruntime": "ONNX Runtime", "cv2": "OpenCV"}

FOR_CUDA_12 = {"tensorrt": "tensorrt-cu12", "ort-gpu": "ort-gpu-cu12"}
"""What a driver of CUDA 12 takes instead, as it refuses programs of CUDA 13."""

CUDA_13 = 13

Run = Callable[[str], "subprocess.CompletedProcess[str]"]


def package_findings(run: Run | None = None, cuda_major: int | None = None) -> Iterator[Finding]:
    """Ask after every package of PROBES, and for packages that overwrite each other.

    run: what stands in for the process in tests. cuda_major: the driver's CUDA, by which the remedies are chosen; None
    if there is no driver.
    """
    for probe in PROBES:
        extra = extra_for(probe.extra, cuda_major)
        yield run_probe(dataclasses.replace(probe, extra=extra), run or _run, cuda_major)
    yield from clashes(installed_packages(), cuda_major)


def extra_for(extra: str, cuda_major: int | None) -> str:
    """The extra for this driver's CUDA."""
    if extra == "gpu":
        return "gpu-cu12" if cuda_major is not None and cuda_major < CUDA_13 else "gpu-cu13"
    return FOR_CUDA_12.get(extra, extra) if cuda_major is not None and cuda_major < CUDA_13 else extra


def clashes(installed: Mapping[str, str], cuda_major: int | None = None) -> Iterator[Finding]:
    """Say which packages lie over each other: whichever came last has overwritten half of the other.

    installed: names of packages and the folder of each; in folders of their own they do each other no harm.
    """
    for module, packages in FLAVOURS.items():
        for folder in dict.fromkeys(installed.values()):
            here = [name for name in packages if installed.get(name) == folder]
            if len(here) > 1:
                wanted = here[-1] if module == "onnxruntime" and not tegra_release() else here[0]
                extra = extra_for(packages[wanted], cuda_major)
                told = f"{' and '.join(here)} lie in one folder, where each overwrites the other"
                yield Finding(SUBJECTS[module], "bad", told, exchange_command(here, extra))


def run_probe(probe: Probe, run: Run, cuda_major: int | None = None) -> Finding:
    """Run a probe and say how it went; a package that is there and does not load is worse than one that is not."""
    try:
        done = run(f"import json\ndef say(text): print('\\n' + json.dumps(text))\n{probe.code}")
    except subprocess.TimeoutExpired:
        return Finding(probe.subject, "bad", f"no answer within {TIMEOUT_S} s", advice(probe.extra))
    if done.returncode == 0:
        return Finding(probe.subject, "ok", str(json.loads(done.stdout.splitlines()[-1])))
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    said = lines[-1] if lines else f"its process ended with {done.returncode}"
    if "ModuleNotFoundError" in said or ("MissingPackage" in said and "no such package" in said):
        told = f"not installed; {probe.use}" if probe.use else "not installed"
        return Finding(probe.subject, "bad" if probe.needed else "note", told, advice(probe.extra))
    restore = restore_command(probe.extra, said, for_driver=lambda extra: extra_for(extra, cuda_major))
    return Finding(probe.subject, "bad", f"installed and does not load: {said}", restore)


def _run(code: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)  # noqa: S603  ours
