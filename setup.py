"""What is packaged, what it needs, and which commands each part announces."""

import atexit
import re
import tempfile
from pathlib import Path

from setuptools import find_packages, setup

try:
    from setuptools.command.build import build
except ImportError:  # before setuptools 62.4
    from distutils.command.build import build

HERE = Path(__file__).parent
VERSION = re.search(r'__version__ = "(.+)"', (HERE / "coconet" / "__init__.py").read_text()).group(1)

# The lowest versions are those that run with NumPy 2, which pip brings: beside a system's packages, of which an older
# one may be found first, nothing may be left that was compiled for NumPy 1.
# Neither ONNX Runtime nor OpenCV is in the base: of each there are several packages that put the same files into one
# folder, and the extras choose. docs/install.md says which for what.
BASE = [
    "numpy>=1.24",
    "av>=17,<20",  # 17 is the first that says how bright a frame is meant (color_trc)
    "tifffile>=2023.2.3",
    "typer>=0.19",
    "rich>=13",
    "pydantic>=2.6",
    "packaging>=22",
    "tomlkit>=0.12",
    "tomli>=2; python_version < '3.11'",
]
CPU = ["onnxruntime>=1.19"]
HEADLESS = ["opencv-python-headless>=4.8"]
EXPORT = ["torch>=2.9", "onnx>=1.18", "onnxscript>=0.5", "safetensors>=0.4"]
CALIBRATION = ["onnx>=1.18"]
METRICS = ["scipy>=1.13"]
BENCH = [*METRICS, "matplotlib>=3.9", "jinja2>=3.1", "nvidia-ml-py>=12.535"]
TRAIN = [*EXPORT, *METRICS, "h5py>=3.11", "tomli-w>=1.0"]
# Starlette 1.8 and websockets 17 need Python 3.11; JetPack 6 has 3.10.
WEB = ["starlette>=1.7", "uvicorn>=0.54", "websockets>=16", "prometheus-client>=0.20"]
RTX = ["onnx>=1.18", "tensorrt-rtx-cu13-libs>=1.7", "tensorrt-rtx-cu13-bindings>=1.7"]
RADIOMETRIC = ["flyr>=3.1"]
PARQUET = ["pyarrow>=14"]
MQTT = ["paho-mqtt>=2.1"]
# Neither needs ROS.
BAGS = ["mcap>=1.2", "rosbags>=0.11"]
# Each for drivers of its major version: the newer bindings are refused by the older driver.
CUDA_12, CUDA_13 = ["cuda-bindings>=12.9.1,<13"], ["cuda-bindings>=13,<14"]
# Each kind of storage has a driver of its own beside fsspec: s3fs, gcsfs, adlfs; ssh:// has paramiko.
FLEET = ["fsspec>=2024.2"]
RAY = ["ray>=2.40"]
# Triton's own client has the messages of the protocol; the server needs nothing else of it.
GRPC = ["tritonclient[grpc]>=2.50"]
OPENVINO = ["openvino>=2024.4"]
# The next major version of MkDocs drops themes and hooks as they are now.
SITE = ["mkdocs>=1.6,<2", "mkdocs-material>=9.5,<10"]
EXTRAS = {
    "cpu": CPU,
    "ort-gpu": ["onnxruntime-gpu[cuda,cudnn]>=1.21"],
    "ort-gpu-cu12": ["onnxruntime-gpu[cuda,cudnn]>=1.21,<1.27"],  # 1.27 is the first one built for CUDA 13 alone
    "headless": HEADLESS,
    "window": ["opencv-python>=4.8"],
    "export": EXPORT,
    "calibration": CALIBRATION,
    "metrics": METRICS,
    "bench": BENCH,
    "train": TRAIN,
    "tensorrt": [*CALIBRATION, "tensorrt>=10"],
    "tensorrt-cu12": [*CALIBRATION, "tensorrt-cu12>=10"],
    "rtx": RTX,
    "gpu-cu12": CUDA_12,
    "gpu-cu13": CUDA_13,
    "pycuda": ["pycuda>=2022.2"],
    "openvino": OPENVINO,
    "radiometric": RADIOMETRIC,
    "parquet": PARQUET,
    "mqtt": MQTT,
    "bags": BAGS,
    "web": WEB,
    "fleet": FLEET,
    "ray": RAY,
    "grpc": GRPC,
    "dev": [
        *CPU,
        *HEADLESS,
        *TRAIN,
        *BENCH,
        *RTX,
        *CUDA_13,
        *OPENVINO,
        *WEB,
        *RADIOMETRIC,
        *PARQUET,
        *MQTT,
        *BAGS,
        "hypothesis>=6",
        "mypy>=1.10",
        "pytest>=8",
        "pytest-xdist>=3.6",
        "ruff>=0.12",
        "selenium>=4.20",
        *FLEET,
        "pyyaml>=6",
        *GRPC,
        "tritonclient[http]>=2.50",
        "setuptools>=64",
        "tomli>=2",
        "scikit-image>=0.22",
        *SITE,
        "build>=1.2",
        "vermin>=1.6",
    ],
}
COMMANDS = {
    "train": "coconet.commands.train:train",
    "score": "coconet.runtime.commands.score:score",
    "export": "coconet.export.commands.export:export",
    "build": "coconet.export.commands.build:build",
    "calibrate": "coconet.calibration.commands.calibrate:calibrate",
    "verify": "coconet.runtime.commands.verify:verify",
    "init": "coconet.runtime.commands.init:init",
    "run": "coconet.runtime.commands.run:run",
    "align": "coconet.calibration.commands.align:align",
    "offset": "coconet.calibration.commands.offset:offset",
    "batch": "coconet.runtime.commands.batch:batch",
    "ros": "coconet.runtime.commands.ros:ros",
    "serve": "coconet.runtime.commands.serve:serve",
    "serve-repository": "coconet.runtime.commands.serve_repository:serve_repository",
    "record": "coconet.runtime.commands.record:record",
    "demo": "coconet.runtime.commands.demo:demo",
    "contact": "coconet.runtime.commands.contact:contact",
    "doctor": "coconet.runtime.commands.doctor:doctor",
    "bench": "coconet.benchmarks.commands.bench:app",
    "precision": "coconet.benchmarks.commands.precision:precision",
    "audience": "coconet.benchmarks.commands.viewers:audience",
    "soak": "coconet.benchmarks.commands.soak:soak",
    "selfcheck": "coconet.benchmarks.commands.selfcheck:selfcheck",
    "steadiness": "coconet.benchmarks.commands.flicker:steadiness",
}
SERVICE = "docs/coconet.service"
"""The unit of systemd: an installed package has it below its prefix, since a device may have no checkout."""


class FreshBuild(build):
    """Builds in a folder of its own: what an earlier build left in `build/` would be installed with the rest."""

    def finalize_options(self):
        """Choose the folder, unless --build-base names one."""
        if self.build_base == "build":
            folder = tempfile.TemporaryDirectory(prefix="coconet-build-")
            atexit.register(folder.cleanup)
            self.build_base = folder.name
        super().finalize_options()


PARTS = ("runtime", "export", "calibration", "benchmarks")
PACKAGES = [
    "coconet",
    *(f"coconet.{name}" for name in find_packages("coconet")),
    *(f"coconet.{part}" for part in PARTS),
    *(f"coconet.{part}.{name}" for part in PARTS for name in find_packages(part)),
]

setup(
    name="coconet-edge",
    version=VERSION,
    description="Infrared and visible image fusion on the edge: from a trained network to a live fused stream",
    long_description=(HERE / "README.md").read_text() if (HERE / "README.md").exists() else "",
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.10",
    # One import name: the folders beside coconet/ are packages inside it.
    package_dir={"coconet": "coconet", **{f"coconet.{part}": part for part in PARTS}},
    packages=PACKAGES,
    cmdclass={"build": FreshBuild},
    package_data={
        "coconet.weights": ["*.onnx", "*.safetensors", "*.json", "*.md", "*.toml"],
        "coconet": ["py.typed"],
        "coconet.pages": ["*.jinja"],
        "coconet.benchmarks.results": ["*.jinja"],
        "coconet.runtime.viewers": ["page/*"],
    },
    data_files=[("share/coconet-edge", [SERVICE])] if (HERE / SERVICE).exists() else [],
    install_requires=BASE,
    extras_require=EXTRAS,
    entry_points={
        "console_scripts": ["coconet = coconet.commands.__main__:main"],
        "coconet.commands": [f"{name} = {target}" for name, target in COMMANDS.items()],
    },
)
