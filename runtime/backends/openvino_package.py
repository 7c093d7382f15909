"""The package OpenVINO, imported in silence; every other file of ours takes it from here."""

from __future__ import annotations

import sys

from coconet.errors import MissingPackage

# OpenVINO tells its makers of every import, by the network, unless this package of theirs is missing; it would write a
# number for this user into the home as well. What a program has imported before stays.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

try:
    import openvino
    from openvino import opset13
except ImportError as error:
    raise MissingPackage("openvino", job="running models with OpenVINO", extra="openvino") from error

__all__ = ["openvino", "opset13"]
