"""Which optional packages are installed and truly load: TensorRT, GPU memory, ONNX Runtime, OpenVINO, OpenCV.

Each is imported in a process of its own: a broken one may end its process, or take seconds.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from coconet.runtime.doctor.finding import Finding

TIMEOUT_S = 60


@dataclass(frozen=True)
class Probe:
    """A package: code that calls `say` with what to tell of it, what installs it, and whether the base does."""

    subject: str
    code: str
    install: str
    needed: bool = False


TENSORRT = "import tensorrt as t; say(t.__version__)"

RTX = "from coconet.runtime.backends.tensorrt.module import rtx_module; say(rtx_module().__version__)"

CUDA_PYTHON = """
from coconet.runtime.backends.gpu.cuda_python import driver_module, package_version
driver_module()
say(package_version())
"""

PYCUDA = "import pycuda, pycuda.driver; say(pycuda.VERSION_TEXT)"

ONNXRUNTIME = """
import onnxruntime as o
from coconet.runtime.backends.ort_gpu import cuda_verdict
verdict = cuda_verdict()
say(f"{o.__version__} on the processor" + ("" if verdict else " and on CUDA") + (f"; {verdict}" if verdict else ""))
"""

OPENVINO = "import openvino as o; say(o.__version__.partition('-')[0] + ' on ' + ', '.join(o.Core().available_devices))"

OPENCV = """
import cv2, re
told = cv2.getBuildInformation()
has = {one: bool(re.search(rf"{one}[^:\\n]*:\\s+YES", told)) for one in ("GStreamer", "v4l/v4l2")}
say(cv2.__version__ + ", " + ", ".join(("with " if yes else "without ") + one for one, yes in has.items()))
"""

PROBES = (
    Probe("TensorRT", TENSORRT, "sudo apt install python3-libnvinfer  # Jetson; elsewhere pip install tensorrt"),
    Probe("TensorRT for RTX", RTX, "pip install 'coconet-edge[rtx]'"),
    Probe("cuda-python", CUDA_PYTHON, "pip install 'coconet-edge[gpu]'"),
    Probe("pycuda", PYCUDA, "pip install 'coconet-edge[pycuda]'"),
    Probe("ONNX Runtime", ONNXRUNTIME, "pip install onnxruntime", needed=True),
    Probe("OpenVINO", OPENVINO, "pip install 'coconet-edge[openvino]'"),
    Probe("OpenCV", OPENCV, "pip install opencv-python-headless", needed=True),
)

Run = Callable[[str], "subprocess.CompletedProcess[str]"]


def package_findings(run: Run | None = None) -> Iterator[Finding]:
    """Ask after every package of PROBES. run: what stands in for the process in tests."""
    for probe in PROBES:
        yield run_probe(probe, run or _run)


def run_probe(probe: Probe, run: Run) -> Finding:
    """Run a probe and say how it went; a package that is there and does not load is worse than one that is not."""
    try:
        done = run(f"import json\ndef say(text): print('\\n' + json.dumps(text))\n{probe.code}")
    except subprocess.TimeoutExpired:
        return Finding(probe.subject, "bad", f"no answer within {TIMEOUT_S} s", probe.install)
    if done.returncode == 0:
        return Finding(probe.subject, "ok", str(json.loads(done.stdout.splitlines()[-1])))
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    said = lines[-1] if lines else f"its process ended with {done.returncode}"
    if "ModuleNotFoundError" in said or "MissingPackage" in said:
        return Finding(probe.subject, "bad" if probe.needed else "note", "not installed", probe.install)
    return Finding(probe.subject, "bad", f"installed and does not load: {said}", probe.install)


def _run(code: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)  # noqa: S603  ours
