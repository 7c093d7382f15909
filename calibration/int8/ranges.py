"""Activation ranges: which magnitude of each tensor becomes 127, kept as a JSON file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from coconet.cards.model_card import CalibrationRecord
from coconet.errors import CoconetError
from coconet.files import read_file


@dataclass(frozen=True)
class ActivationRanges:
    """The ranges of one model file, and what they were measured on.

    model_sha256: hash of the ONNX file. record: frames, their hash and the method.
    thresholds: tensor name to the magnitude that becomes 127; 0 for a tensor that only held zeros.
    """

    model_sha256: str
    record: CalibrationRecord
    thresholds: Mapping[str, float]

    def __post_init__(self) -> None:
        for tensor, threshold in self.thresholds.items():
            if not (math.isfinite(threshold) and threshold >= 0):
                raise ValueError(f"the threshold of {tensor} is {threshold}, not a finite number of 0 or more")

    def threshold(self, tensor: str) -> float:
        """The magnitude that becomes 127. Raises CoconetError for a tensor that was not measured."""
        if tensor not in self.thresholds:
            raise CoconetError(
                f"activation {tensor}",
                wanted="its range",
                got=f"ranges of {len(self.thresholds)} others",
                remedy="Measure the ranges again.",
                says=f"has no range among the {len(self.thresholds)} that were measured",
            )
        return self.thresholds[tensor]

    def to_json(self) -> str:
        """The ranges as indented JSON."""
        return _ADAPTER.dump_json(self, indent=2).decode() + "\n"


_ADAPTER = TypeAdapter(ActivationRanges)


def read_ranges(path: Path, model_sha256: str) -> ActivationRanges:
    """Read a ranges file. Raises CoconetError if it is none, or if it belongs to another model file."""
    try:
        ranges = _ADAPTER.validate_json(read_file(path, "a ranges file of coconet calibrate"))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise CoconetError(
            path,
            wanted="activation ranges as JSON",
            got=f"{place}: {first['msg']}",
            remedy="Measure the ranges again, without --ranges.",
            says=f"is not a ranges file: {place}: {first['msg']}",
        ) from error
    if ranges.model_sha256 != model_sha256:
        raise CoconetError(
            path,
            wanted=f"ranges of this model ({model_sha256[:12]})",
            got=f"ranges of another one ({ranges.model_sha256[:12]})",
            remedy="Measure the ranges again, without --ranges.",
            says=f"holds the ranges of another model ({ranges.model_sha256[:12]}, this one is {model_sha256[:12]})",
        )
    return ranges
