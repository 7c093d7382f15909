"""The extras of setup.py: the modules by which each is known to be there, and which command needs which."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

_TORCH = ("torch", "onnx", "onnxscript", "safetensors")

MODULES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "cpu": ("onnxruntime",),
        "ort-gpu": ("onnxruntime",),
        "ort-gpu-cu12": ("onnxruntime",),
        "headless": ("cv2",),
        "window": ("cv2",),
        "export": _TORCH,
        "calibration": ("onnx",),
        "metrics": ("scipy",),
        "bench": ("scipy", "matplotlib", "jinja2", "pynvml"),
        "train": (*_TORCH, "scipy", "h5py", "tomli_w"),
        "tensorrt": ("onnx", "tensorrt"),
        "tensorrt-cu12": ("onnx", "tensorrt"),
        "rtx": ("onnx", "tensorrt_rtx_libs", "tensorrt_rtx_bindings"),
        "gpu-cu12": ("cuda",),
        "gpu-cu13": ("cuda",),
        "pycuda": ("pycuda",),
        "openvino": ("openvino",),
        "radiometric": ("flyr",),
        "parquet": ("pyarrow",),
        "mqtt": ("paho",),
        "bags": ("mcap", "rosbags"),
        "gstreamer": ("gi",),
        "fleet": ("fsspec",),
        "ray": ("ray",),
        "grpc": ("grpc", "tritonclient"),
        "web": ("starlette", "uvicorn", "websockets", "prometheus_client"),
    }
)
"""What an extra brings, by the names under which it is imported. Whichever package has such a module will do: the
OpenCV of the system is as good as either of pip's."""


@dataclass(frozen=True)
class Needs:
    """What a command needs.

    always: extras without which it does nothing. options: word or option to the extra. others: modules that no extra
    brings, each with the sentence that says what does.
    """

    always: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    others: Mapping[str, str] = field(default_factory=dict)


ROS_ARGS = "--ros-args"
"""What stands before the words of a command line that ROS reads."""

ROS_REMEDY = (
    "Type: source /opt/ros/jazzy/setup.bash (or another distribution); a virtual environment needs "
    "--system-site-packages. Bags are read without ROS."
)
"""What brings rclpy."""


_FUSES = ("cpu", "headless")

_MODELS = {"a .engine": "tensorrt", "coconet, .safetensors": "export", "--backend openvino": "openvino"}

_CAMERAS = {"csi:// and gst://": "gstreamer", "bags of ROS": "bags"}

COMMANDS: Mapping[str, Needs] = MappingProxyType(
    {
        "demo": Needs(_FUSES),
        "init": Needs(("headless",), _CAMERAS),
        "run": Needs(
            _FUSES,
            {
                **_MODELS,
                **_CAMERAS,
                "--view web": "web",
                "--view window": "window",
                "--server grpc://": "grpc",
                "--meters x.parquet": "parquet",
                "alarms over MQTT": "mqtt",
                "--html": "bench",
            },
        ),
        "record": Needs(("headless",), _CAMERAS),
        "align": Needs(("headless",), _CAMERAS),
        "offset": Needs(("headless",), _CAMERAS),
        "contact": Needs(_FUSES, _MODELS),
        "train": Needs(("train", "headless")),
        "export": Needs(("export", *_FUSES)),
        "calibrate": Needs(("calibration", *_FUSES, "metrics"), {"comparison with OpenVINO": "openvino"}),
        "verify": Needs((*_FUSES, "metrics"), {**_MODELS, "--html": "bench"}),
        "build": Needs(("calibration", *_FUSES), {"for this GPU": "tensorrt", "--gpu": "rtx"}),
        "bench": Needs((*_FUSES, "metrics"), {**_MODELS, "--html": "bench"}),
        "precision": Needs(("export", "calibration", *_FUSES, "metrics")),
        "score": Needs(("headless", "metrics"), {"--html": "bench"}),
        "steadiness": Needs(_FUSES, _MODELS),
        "soak": Needs((*_FUSES, "web")),
        "audience": Needs((*_FUSES, "web")),
        "batch": Needs((*_FUSES, "metrics"), {**_MODELS, "s3://, gs://, ssh://": "fleet", "--engine ray": "ray"}),
        "ros": Needs((*_FUSES, "bags"), _MODELS, {"rclpy": ROS_REMEDY}),
        "serve": Needs(("cpu", "web"), {**_MODELS, "--grpc-port": "grpc"}),
        "doctor": Needs(),
        "serve-repository": Needs(),
        "selfcheck": Needs(_FUSES, {"engines": "tensorrt", "CoCoNet": "export"}),
    }
)
"""Each command of setup.py, in the order in which a user meets them."""


def missing_modules(extra: str) -> tuple[str, ...]:
    """The modules of an extra that this Python does not find; nothing is imported."""
    return tuple(name for name in MODULES[extra] if not is_there(name))


def lacking_extras(command: str, first: str) -> tuple[str, ...]:
    """The extra that a command missed first, and those it always needs that are not there; none that another brings."""
    lacking = [first]
    for extra in COMMANDS.get(command, Needs()).always:
        if set(missing_modules(extra)).difference(*(MODULES[one] for one in lacking)):
            lacking.append(extra)
    return tuple(one for one in lacking if not any(set(MODULES[one]) < set(MODULES[other]) for other in lacking))


def is_there(module: str) -> bool:
    """Whether this Python finds a module; it is not imported."""
    try:
        return importlib.util.find_spec(module) is not None
    except ValueError:  # something stands in for it
        return False
