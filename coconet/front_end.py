"""The thermal front end as a model card knows it: how infrared pictures became the 8 bit ones a model was fed with."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class FrontEnd:
    """What was done to infrared pictures before a model saw them.

    raw_counts: whether they were 14 or 16 bit counts, stretched as the next five say; 8 bit pictures are not.
    agc_percentiles, agc_time_constant_s, contrast, plateau_percent, mend_dead_pixels: as in the rig file.
    black_hot: whether they were inverted.
    """

    raw_counts: bool = False
    agc_percentiles: tuple[float, float] = (0.5, 99.5)
    agc_time_constant_s: float = 0.5
    contrast: str = "linear"
    plateau_percent: float = 1.0
    mend_dead_pixels: bool = False
    black_hot: bool = False

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> FrontEnd:
        """Rebuild it from `dataclasses.asdict` output or parsed JSON."""
        low, high = fields["agc_percentiles"]
        return cls(**{**fields, "agc_percentiles": (float(low), float(high))})

    def unlike(self, calibrated: FrontEnd) -> list[str]:
        """Say where this one differs from a model's in what shows in pictures, a phrase for each key."""
        keys = [
            field.name for field in dataclasses.fields(self) if self._shows(field.name) or calibrated._shows(field.name)
        ]
        if self.raw_counts != calibrated.raw_counts:
            keys = ["raw_counts", "black_hot"]  # how counts are stretched says nothing about pictures that are not
        pairs = ((key, getattr(self, key), getattr(calibrated, key)) for key in keys)
        return [
            f"{key} = {_value(here)} (calibrated with {_value(there)})" for key, here, there in pairs if here != there
        ]

    def _shows(self, key: str) -> bool:
        if key in ("raw_counts", "black_hot"):
            return True
        return self.raw_counts and (key != "plateau_percent" or self.contrast == "plateau")


def _value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(list(value)) if isinstance(value, tuple) else str(value)
