"""The package OpenVINO, imported in silence; every other file of ours takes it from here."""

from __future__ import annotations

import sys
from typing import Any

from coconet.errors import MissingPackage

# OpenVINO tells its makers of every import, by the network, unless this package of theirs is missing; it would write a
# number for this user into the home as well. What a program has imported before stays.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

_CONVERTER = "openvino.tools.ovc"
"""What converts models of other kinds, which nothing here does: importing it takes as long as the library itself."""

_without_converter = _CONVERTER not in sys.modules
if _without_converter:
    sys.modules[_CONVERTER] = None  # type: ignore[assignment]  # OpenVINO goes on without
try:
    import openvino
    from openvino import opset13
except ImportError as error:
    raise MissingPackage("openvino", job="running models with OpenVINO", extra="openvino") from error
finally:
    if _without_converter:
        del sys.modules[_CONVERTER]


def _convert_model(*words: Any, **more: Any) -> Any:
    """OpenVINO's own convert_model, imported when a program that uses this package calls it."""
    from openvino.tools.ovc import convert_model

    return convert_model(*words, **more)


if not hasattr(openvino, "convert_model"):
    openvino.convert_model = _convert_model

__all__ = ["openvino", "opset13"]
