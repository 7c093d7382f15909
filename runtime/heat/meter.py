"""A meter: what of the infrared picture is read, under which name, as the rig file has it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from coconet.config import Checked
from coconet.errors import Refused, counted
from coconet.runtime.heat.temperature import Degrees

if TYPE_CHECKING:
    from typing_extensions import Self

MeterKind = Literal["spot", "hottest", "coldest", "box", "polygon", "line"]
"""spot: one pixel. hottest, coldest: of the picture, or within a box or polygon. box: between two corners, which belong
to it. polygon: three corners or more, with its border. line: every pixel from one end to the other."""

Statistic = Literal["min", "mean", "max"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,39}")


def _plain(name: str) -> str:
    if not _NAME.fullmatch(name):
        wanted = "1 to 40 letters, digits, spaces and . _ -, beginning with a letter or digit"
        raise Refused(
            "name",
            wanted=wanted,
            got="others, or none",
            remedy="Choose a plain name, such as bearing 1.",
            says=f"must be {wanted}",
        )
    return name


Name = Annotated[str, AfterValidator(_plain)]
"""Of a meter or an alarm: it stands in labels, metrics, topics and names of files."""

Coordinate = Annotated[float, Field(ge=-65_536, le=65_536)]

Point = tuple[Coordinate, Coordinate]
"""Right and down from the middle of the top left pixel."""

VALUE_OF: dict[MeterKind, Statistic] = {
    "spot": "max",
    "hottest": "max",
    "coldest": "min",
    "box": "mean",
    "polygon": "mean",
    "line": "mean",
}
"""The statistic that a label shows, and that an alarm looks at unless it says another."""

_POINTS: dict[MeterKind, tuple[int, ...]] = {"spot": (1,), "box": (2,), "line": (2,)}

MOST_POINTS, MOST_METERS = 64, 64


class MeterTable(Checked):
    """`[[meter]]`: one meter.

    points_px: (x, y) of the spot, of two opposite corners of a box, of the corners of a polygon, of both ends of a
    line; of hottest and coldest the box or polygon to look in, none for the whole picture. pixels: whose they are.
    above: for the share of the pixels that are warmer, in the unit of the thermometer.
    """

    name: Name
    kind: MeterKind
    points_px: Annotated[tuple[Point, ...], Field(max_length=MOST_POINTS)] = ()
    pixels: Literal["infrared", "visible"] = "infrared"
    above: Degrees | None = None

    @model_validator(mode="after")
    def _enough_points(self) -> Self:
        count = len(self.points_px)
        extreme = self.kind in ("hottest", "coldest")
        fits = count in _POINTS.get(self.kind, ()) or (self.kind == "polygon" and count >= 3)
        if not (fits or (extreme and count != 1)):
            wanted = "no points, two corners of a box, or more of a polygon" if extreme else _WANTED[self.kind]
            remedy = "A point is [right, down] from the top left pixel."
            raise Refused(
                "[[meter]] points_px",
                wanted=f"{wanted} for {self.kind}",
                got=str(count),
                remedy=remedy,
                says=f"must be {wanted} for {self.kind}, not {counted(count, 'point')}",
            )
        return self


_WANTED: dict[MeterKind, str] = {
    "spot": "one point",
    "box": "two corners",
    "line": "two ends",
    "polygon": "three corners or more",
}
