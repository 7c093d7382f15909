"""Settings of thermal pictures: how counts become levels, in words and numbers, without anything that has pixels."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal, get_args

from coconet.errors import CoconetError, nearest

if TYPE_CHECKING:
    from typing_extensions import Self

Limits = tuple[float, float]
"""What is black and what is white, in counts or degrees."""

Contrast = Literal["linear", "plateau", "clahe"]
"""linear: between the two limits. plateau: levels are spent where pixels are, no level on more than its plateau.
clahe: linear, then equalised tile by tile, which shows most and looks least like temperature."""

RANGES = ("each", "all", "follow")

HUGE = 1e30
"""From here on a sample, such as -3.4e38 or 1e38, stands for no measurement."""

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?"


@dataclass(frozen=True)
class ThermalSettings:
    """How raw counts are stretched, and how a coloured infrared picture becomes gray.

    low_percentile, high_percentile: the shares of the pixels, in percent, that may fall below black and above white.
    time_constant_s: how slowly the two limits follow the scene; after this time 63 % of a change is taken up.
    black_hot: the camera shows warm things dark; they are turned bright.
    contrast: how levels are spent between the limits. plateau: for that contrast, the largest share of the pixels that
    counts for one of 256 bins, in percent; small is nearly linear, 100 is full equalisation.
    mend_dead_pixels: whether pixels that never agree with their neighbours are replaced.
    range_of: whose pixels the limits come from: `each` picture's own, `all` pictures of the source, or those before
    (`follow`, with the time constant); or the limits themselves, as LOW..HIGH; None is each for stills, follow for
    video. no_data: values that are no measurements, beside NaN and the usual ones. palette: `auto`, `luma`, or the
    name of the colours a gray infrared picture was shown in, which are turned back.
    """

    low_percentile: float = 0.5
    high_percentile: float = 99.5
    time_constant_s: float = 0.5
    black_hot: bool = False
    contrast: Contrast = "linear"
    plateau_percent: float = 1.0
    mend_dead_pixels: bool = False
    range_of: str | None = None
    no_data: tuple[float, ...] = ()
    palette: str = "auto"

    @classmethod
    def from_keys(cls, keys: Mapping[str, Any]) -> Self:
        """Take what is said of it in a rig's [infrared] or by options; what is not said has its default.

        keys: `agc_percentiles` is both limits, `agc_time_constant_s` the time constant, and the others are called as
        here; any other key of the table is left alone. Raises CoconetError that names the key that does not fit.
        """
        renamed = {"agc_time_constant_s": "time_constant_s"}
        said = {renamed.get(name, name): value for name, value in keys.items()}
        if "agc_percentiles" in said:
            said["low_percentile"], said["high_percentile"] = said["agc_percentiles"]
        return cls(**{field.name: said[field.name] for field in fields(cls) if field.name in said})

    def __post_init__(self) -> None:
        if not 0 <= self.low_percentile < self.high_percentile <= 100:
            raise _unfit(
                "agc_percentiles",
                "a low and a higher one between 0 and 100",
                f"{self.low_percentile} and {self.high_percentile}",
                "Use 0.5 and 99.5 unless the scene needs something else.",
            )
        if not 0.001 <= self.time_constant_s <= 3600:
            raise _unfit("agc_time_constant_s", "0.001 to 3600 s", f"{self.time_constant_s:g}", "Use 0.5.")
        if self.contrast not in get_args(Contrast):
            raise _unfit("contrast", " or ".join(get_args(Contrast)), repr(self.contrast), "Use linear.")
        if not 0 < self.plateau_percent <= 100:
            raise _unfit("plateau_percent", "above 0 and at most 100", f"{self.plateau_percent:g}", "Use 1.")
        if self.range_of not in (None, *RANGES):
            self.fixed_limits()
        self._check_palette()

    def _check_palette(self) -> None:
        from coconet.media.palettes.recognition import PALETTE_WORDS

        if self.palette not in PALETTE_WORDS:
            remedy = f"{nearest(self.palette, PALETTE_WORDS)}Correct the name, or use luma."
            raise _unfit("palette", " or ".join(PALETTE_WORDS), repr(self.palette), remedy)

    def fixed_limits(self) -> Limits | None:
        """The limits that range_of itself says; None if it is a word. Raises CoconetError for anything else."""
        if self.range_of is None or self.range_of in RANGES:
            return None
        match = re.fullmatch(rf"\s*({_NUMBER})\s*\.\.\s*({_NUMBER})\s*", self.range_of, re.IGNORECASE)
        low, high = (float(number) for number in match.groups()) if match else (0.0, 0.0)
        if not low < high < HUGE or low <= -HUGE:
            raise _unfit(
                "range_of",
                "each, all, follow, or LOW..HIGH in the units of the picture",
                repr(self.range_of),
                "For example 7000..9000 for counts, or 10..40 for degrees.",
            )
        return low, high


def _unfit(key: str, wanted: str, got: str, remedy: str) -> CoconetError:
    return CoconetError(f"[infrared] {key}", wanted=wanted, got=got, remedy=remedy, says=f"must be {wanted}, not {got}")
