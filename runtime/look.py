"""A look: which view of a fused frame is shown, in which colours, and what is written over it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from coconet.config import Checked, check_fields, toml_fields
from coconet.errors import CoconetError, Refused
from coconet.runtime.views.names import View

if TYPE_CHECKING:
    from typing_extensions import Self

Place = Literal["top left", "top right", "bottom left", "bottom right"]


def _colour(text: str) -> str:
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", text):
        raise PydanticCustomError("colour", "Input should be a colour such as #ff8020")
    return text


def _colour_or_none(text: str) -> str:
    return text and _colour(text)


Colour = Annotated[str, AfterValidator(_colour)]
"""#rrggbb."""

Share = Annotated[float, Field(ge=0, le=1)]

Level = Annotated[float, Field(ge=-1e6, le=1e6)]

LevelUnit = Literal["auto", "degrees", "counts", "percent"]

OverlayItem = Literal["utc", "local", "name", "state", "skew", "age", "meters", "alarms"]

OVERLAY_ITEMS: tuple[OverlayItem, ...] = ("utc", "local", "name", "state", "skew", "age", "meters", "alarms")

PALETTE_NAME = r"^[A-Za-z0-9][A-Za-z0-9 _.-]{0,39}$"


class EdgesLook(Checked):
    """How edges of the visible picture lie over heat.

    strength: 1 adds what the visible picture has of detail, 0 nothing. colour: draws them in it; empty brightens and
    darkens the heat instead.
    """

    strength: Annotated[float, Field(ge=0, le=8)] = 1.5
    colour: Annotated[str, AfterValidator(_colour_or_none)] = ""


class InsetLook(Checked):
    """The picture in the picture.

    of: whose picture lies in the other camera's. place: a corner, or centre, where it lies as it is aligned, unscaled.
    size: its share of either side of the picture.
    """

    of: Literal["infrared", "visible"] = "infrared"
    place: Place | Literal["centre"] = "bottom right"
    size: Annotated[float, Field(ge=0.1, le=0.9)] = 0.35


class IsothermLook(Checked):
    """What an isotherm colours; without any limit, what is warmer than 90 % of the range that is shown.

    unit: of the limits. degrees: of the thermometer. counts: of the camera. percent: of the range from black to white.
    auto: degrees if the rig has a thermometer, else counts if the camera gives them, else percent.
    """

    above: Level | None = None
    below: Level | None = None
    between: tuple[Level, Level] | None = None
    unit: LevelUnit = "auto"
    above_colour: Colour = "#ff3c28"
    below_colour: Colour = "#2f7dff"
    between_colour: Colour = "#ffc81e"

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if self.between is not None and not self.between[0] < self.between[1]:
            remedy = "For example between = [30, 40]."
            raise Refused(
                "isotherm.between",
                wanted="a low and a higher limit",
                got="others",
                remedy=remedy,
                says=f"must be a low and a higher limit, not {self.between[0]:g} and {self.between[1]:g}",
            )
        return self


class OverlayLook(Checked):
    """What is written over a picture, and where.

    show: in this order, a line each; alarms is a bar with those that are on. size: 1 is a text of 1/36 of the height.
    name: what the rig is called; the name of its visible camera if empty.
    """

    show: tuple[OverlayItem, ...] = ()
    place: Place = "top left"
    size: Annotated[float, Field(ge=0.5, le=4)] = 1.0
    name: Annotated[str, Field(max_length=60)] = ""


class Look(Checked):
    """`[view]`: what is shown of a fused frame; looks are hashable, and equal ones give equal pictures.

    show: the view. colours: of the infrared picture, a palette by its name. reversed: its polarity, cold for hot.
    colour_bar: whether a bar with degrees stands beside it. meters: whether the meters of the rig are drawn.
    split: where the line is, from the left. blend: the share of the infrared picture.
    """

    show: View = "fused"
    colours: Annotated[str, Field(pattern=PALETTE_NAME)] = "white-hot"
    reversed: bool = False
    colour_bar: bool = False
    meters: bool = True
    split: Share = 0.5
    blend: Share = 0.5
    edges: EdgesLook = EdgesLook()
    inset: InsetLook = InsetLook()
    isotherm: IsothermLook = IsothermLook()
    overlay: OverlayLook = OverlayLook()

    def changed(self, **keys: Any) -> Self:
        """The same with other values, which are checked."""
        return check_fields(type(self), {**self.model_dump(), **keys}, "look")


class OutputLook(Look):
    """`[output]`: what goes to `--out`, a file or a stream: the fused picture without meters unless told otherwise."""

    meters: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether this is the fused picture as it is."""
        return self.show == "fused" and not self.meters and not self.overlay.show


def look_fields(words: Iterable[str]) -> dict[str, Any]:
    """The keys of a look from the words of a command: a view, or KEY=VALUE as in a rig file, such as edges.strength=2.

    Raises Refused for a word that is neither, and for a view or a key that is there twice. Values are not checked here.
    """
    fields: dict[str, Any] = {}
    for word in words:
        path, sign, value = word.partition("=")
        keys = [key.strip() for key in path.split(".")] if sign else ["show"]
        if not all(keys) or len(keys) > 2:
            remedy = 'For example --look edges --look edges.strength=2 --look "isotherm.between=[30, 40]".'
            raise Refused(
                "--look",
                wanted="a view, or a key and its value",
                got=word[:40],
                remedy=remedy,
                says=f"{word[:40]!r} is neither a view nor a key and its value",
            )
        table = fields if len(keys) == 1 else fields.setdefault(keys[0], {})
        if not isinstance(table, dict):
            raise Refused(
                "--look",
                wanted=f"either {keys[0]} or keys of it",
                got="both",
                remedy="Leave one out.",
                says=f"names both {keys[0]} and keys of it",
            )
        if keys[-1] in table:
            named = ".".join(keys) if sign else "a view"
            raise Refused(
                "--look",
                wanted="one view, and each key once",
                got=f"{named} twice",
                remedy="Leave one of them out.",
                says=f"names {named} twice",
            )
        table[keys[-1]] = _value_of(value.strip() if sign else word.strip())
    return fields


def looked_by(look: Look, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of a look with those of `fields` in their place; tables are merged."""
    keys = look.model_dump()
    for key, value in fields.items():
        inner = keys.get(key)
        keys[key] = {**inner, **value} if isinstance(value, Mapping) and isinstance(inner, Mapping) else value
    return keys


def _value_of(text: str) -> Any:
    """A value as TOML writes it; words need no quotes."""
    try:
        return toml_fields(f"value = {text}", "--look")["value"]
    except (CoconetError, KeyError):
        return text
