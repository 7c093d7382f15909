"""The commands as the help lists them: in the order of the work, by group, with a line for each.

The help reads this, not the commands: loading all of them takes seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

Group = Literal["Use", "Rig", "Models", "Measure", "Developer"]

GROUPS: Mapping[Group, Mapping[str, str]] = MappingProxyType(
    {
        "Use": {
            "demo": "Fuse a synthetic rig and say where the results are.",
            "run": "Fuse two cameras, two recordings or two folders.",
            "batch": "Fuse many recordings, each of them once.",
            "ros": "Fuse two image topics of ROS 2, as a node.",
            "serve": "Serve a model over the network.",
            "serve-repository": "Write a model repository for Triton.",
            "doctor": "Say what this machine can run, and what is missing.",
        },
        "Rig": {
            "init": "Look at both cameras and write a rig file.",
            "align": "Find how the infrared picture lies on the visible one.",
            "offset": "Find the time between the two cameras.",
            "record": "Record both cameras.",
        },
        "Models": {
            "train": "Train a network on your pairs.",
            "export": "Write a checkpoint as an ONNX model.",
            "calibrate": "Make an INT8 model of an ONNX model.",
            "build": "Build a TensorRT engine of an ONNX model.",
            "verify": "Compare the pictures of two models.",
        },
        "Measure": {
            "score": "Score fused pictures by the metrics of the field.",
            "bench": "Measure latency, energy and quality on this device.",
            "steadiness": "Measure how much fused videos flicker.",
            "contact": "Lay the pictures of several models side by side.",
            "selfcheck": "Try every part on this machine and write a report.",
        },
        "Developer": {
            "precision": "Compare networks in FP32, FP16 and INT8.",
            "audience": "Measure what viewers of the page cost the loop.",
            "soak": "Run a rig while its parts fail in turns.",
        },
    }
)
"""Every command of the package: group, word and line."""

ORDER = tuple(word for commands in GROUPS.values() for word in commands)
"""The words in the order of the help."""
