"""The settings of a thermometer: by which scheme counts become degrees, of what, and which counts are valid."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from coconet.config import Checked
from coconet.errors import Refused
from coconet.runtime.heat.radiance import Band, ObjectPath

if TYPE_CHECKING:
    from typing_extensions import Self

Scheme = Literal["linear", "lepton", "boson", "tau", "kelvin-64", "planck", "table"]
"""linear: degrees Celsius = scale * count + offset. lepton, boson, tau: TLinear, a fixed number of kelvins a count.
kelvin-64: cores with 64 counts a kelvin. planck: FLIR's constants R1, B, F, O, R2. table: straight between its rows."""

Gain = Literal["auto", "high", "low"]

Unit = Literal["celsius", "fahrenheit", "kelvin"]

SIGNS: dict[Unit, str] = {"celsius": "°C", "fahrenheit": "°F", "kelvin": "K"}

KELVIN_PER_COUNT: dict[Scheme, tuple[float, float]] = {
    "lepton": (0.01, 0.1),
    "boson": (0.01, 0.1),
    "tau": (0.04, 0.4),
    "kelvin-64": (1 / 64, 1 / 16),
}
"""Steps in high and in low gain, as makers and users of the cores publish them; none of the cores was at hand."""

Degrees = Annotated[float, Field(ge=-273.15, le=5000)]

Constant = Annotated[float, Field(ge=-1e9, le=1e9)]

Step = Annotated[float, Field(gt=0, le=10)]

Count = Annotated[float, Field(ge=-1e9, le=1e9)]


def in_unit(celsius: float, unit: Unit) -> float:
    """Degrees Celsius in another unit."""
    if unit == "fahrenheit":
        return celsius * 9 / 5 + 32
    return celsius + 273.15 if unit == "kelvin" else celsius


def in_celsius(degrees: float, unit: Unit) -> float:
    """Degrees of a unit in Celsius."""
    if unit == "fahrenheit":
        return (degrees - 32) * 5 / 9
    return degrees - 273.15 if unit == "kelvin" else degrees


class PlanckTable(Checked):
    """FLIR's calibration: T = b / ln(r1 / (r2 * (count + o)) + f), in kelvins; ExifTool says PlanckR1 and so on."""

    r1: Annotated[float, Field(gt=0, le=1e9)]
    b: Annotated[float, Field(gt=0, le=1e5)]
    f: Annotated[float, Field(gt=0, le=100)] = 1.0
    o: Constant
    r2: Annotated[float, Field(gt=0, le=1e9)] = 1.0


class TemperatureTable(Checked):
    """`[infrared.temperature]`: how the infrared camera's counts become degrees.

    scheme: see Scheme. gain: high, low, or auto, by which of the two makes a scene on earth (schemes of two steps).
    kelvin_per_count: those two steps, high and low gain, where the camera is set to others. scale, offset: of linear.
    planck, table: of these schemes; table has (count, degrees Celsius), rising counts.
    emissivity, reflected_c, atmosphere_c, distance_m, humidity_percent: as ObjectPath has them.
    unit: in which meters and alarms are told, and their limits given. valid_counts: the lowest and the highest count
    that is a measurement; 1 and 65534 of 16 bit counts if not given. dead_px: (x, y) of pixels that never measure.
    """

    scheme: Scheme
    gain: Gain = "auto"
    kelvin_per_count: tuple[Step, Step] | None = None
    scale: Constant = 1.0
    offset: Constant = 0.0
    planck: PlanckTable | None = None
    table: tuple[tuple[Count, Degrees], ...] = ()
    emissivity: Annotated[float, Field(ge=0.01, le=1)] = 1.0
    reflected_c: Degrees = 20.0
    atmosphere_c: Annotated[float, Field(ge=-60, le=100)] = 20.0
    distance_m: Annotated[float, Field(ge=0, le=10_000)] = 0.0
    humidity_percent: Annotated[float, Field(ge=0, le=100)] = 50.0
    unit: Unit = "celsius"
    valid_counts: tuple[Count, Count] | None = None
    dead_px: Annotated[tuple[tuple[int, int], ...], Field(max_length=10_000)] = ()

    @model_validator(mode="after")
    def _whole(self) -> Self:
        two_steps = self.scheme in KELVIN_PER_COUNT
        if not two_steps and (self.gain != "auto" or self.kelvin_per_count is not None):
            says = f"does not apply to the scheme {self.scheme}"
            raise _unfit("gain", f"no gain with the scheme {self.scheme}", self.gain, "Leave it out.", says)
        if self.scheme == "linear" and self.scale == 0:
            raise _unfit("scale", "a scale but 0", "0", "Give the degrees of a count.", "must not be 0")
        if (self.scheme == "planck") != (self.planck is not None):
            known = "the table planck with the scheme planck, and with no other"
            says = "is missing for the scheme planck" if self.planck is None else "goes with the scheme planck only"
            raise _unfit("planck", known, "one without the other", "Give r1, b, f, o and r2 of the camera.", says)
        if (self.scheme == "table") != bool(self.table):
            known = "rows of table with the scheme table, and with no other"
            says = "goes with the scheme table only" if self.table else "is missing for the scheme table"
            raise _unfit("table", known, "one without the other", "Give rows of [count, degrees].", says)
        self._check_rows()
        if self.valid_counts is not None and not self.valid_counts[0] < self.valid_counts[1]:
            got = f"{self.valid_counts[0]:g} and {self.valid_counts[1]:g}"
            says = f"must be a low and a higher count, not {got}"
            raise _unfit("valid_counts", "a low and a higher count", got, "Use [1, 16382] for 14 bits.", says)
        return self

    def _check_rows(self) -> None:
        if not self.table:
            return
        counts, degrees = [row[0] for row in self.table], [row[1] for row in self.table]
        rising = all(before < after for before, after in pairwise(counts))
        steps = {before < after for before, after in pairwise(degrees)}
        if len(counts) < 2 or not rising or len(steps) != 1 or len(set(degrees)) != len(degrees):
            wanted = "two rows or more, with rising counts, and degrees that all rise or all fall"
            raise _unfit("table", wanted, "others", "Sort the rows by their counts.", f"must have {wanted}")

    @property
    def path(self) -> ObjectPath:
        """What is measured, and through what."""
        return ObjectPath(self.emissivity, self.reflected_c, self.atmosphere_c, self.distance_m, self.humidity_percent)

    @property
    def band(self) -> Band:
        """The curve that emissivity and air are reckoned with: the camera's own if it is known."""
        return Band() if self.planck is None else Band(self.planck.b, self.planck.f)


def _unfit(key: str, wanted: str, got: str, remedy: str, says: str) -> Refused:
    return Refused(f"[infrared.temperature] {key}", wanted=wanted, got=got, remedy=remedy, says=says)
