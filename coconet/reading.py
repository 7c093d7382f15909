"""The options that say how infrared pictures are read and how pictures are paired: the same for every command."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import typer

from coconet.errors import CoconetError
from coconet.media.naming.layouts import PRESETS
from coconet.media.thermal_settings import Contrast, ThermalSettings

Starts = Literal["auto", "together", "stamped"]
"""How two files with clocks of their own begin. together: at the same moment, whatever their stamps say. stamped: as
their stamps say. auto: together if they begin further apart than a pair may be, and no offset is set."""

PANEL = "How pictures are read"
"""The heading of these options in the help."""


@dataclass(frozen=True)
class Reading:
    """What was said; None is what a rig file says, or the default.

    The fields are keys of a rig's [infrared] and [pairing], and of the table [reading] of a training recipe.

    pair_by: as pair_by_name takes it. starts: how two video files begin; for folders it means nothing.
    """

    black_hot: bool | None = None
    agc_percentiles: tuple[float, float] | None = None
    agc_time_constant_s: float | None = None
    contrast: Contrast | None = None
    plateau_percent: float | None = None
    mend_dead_pixels: bool | None = None
    range_of: str | None = None
    no_data: tuple[float, ...] | None = None
    palette: str | None = None
    pair_by: str | None = None
    starts: Starts | None = None

    def pairing_keys(self) -> dict[str, Any]:
        """The keys of [pairing] that were given, with their values."""
        return {name: value for name, value in vars(self).items() if value is not None and name in _OF_PAIRING}

    def rig_keys(self) -> dict[str, Any]:
        """The keys of [infrared] that were given, with their values."""
        return {name: value for name, value in vars(self).items() if value is not None and name not in _OF_PAIRING}

    def thermal(self) -> ThermalSettings:
        """The front end without a rig file. Raises CoconetError for a value that does not fit."""
        return ThermalSettings.from_keys(self.rig_keys())


_OF_PAIRING = ("pair_by", "starts")

UNSAID = Reading()
"""No option was given."""


def _option(*names: str, text: str) -> Any:
    return typer.Option(*names, help=text, rich_help_panel=PANEL, show_default=False)


def _contrast(name: str) -> Any:
    return Annotated[Contrast | None, _option(name, text="Spread the levels by linear, plateau or clahe.")]


_OPTIONS: dict[str, Any] = {
    "black_hot": Annotated[
        bool | None, _option("--black-hot/--white-hot", text="Say whether the infrared camera shows warm things dark.")
    ],
    "agc_percentiles": Annotated[
        str | None,
        _option(
            "--agc-percentiles",
            text="Make this share of the pixels black, and all above the other white: LOW,HIGH, in percent.",
        ),
    ],
    "agc_time_constant_s": Annotated[
        float | None,
        _option("--agc-time-constant", text="Let the limits of a video follow the scene within this many seconds."),
    ],
    "contrast": _contrast("--contrast"),
    "plateau_percent": Annotated[
        float | None, _option("--plateau-percent", text="Count a bin for at most this percentage, with plateau.")
    ],
    "mend_dead_pixels": Annotated[
        bool | None,
        _option(
            "--mend-dead-pixels/--leave-dead-pixels", text="Repair pixels that always differ from their neighbours."
        ),
    ],
    "range_of": Annotated[
        str | None,
        _option("--range-of", text="Take black and white from each picture, from all, follow a video, or LOW..HIGH."),
    ],
    "no_data": Annotated[
        str | None,
        _option("--no-data", text="Ignore these values, which are no measurements; separate them with commas."),
    ],
    "palette": Annotated[
        str | None,
        _option("--palette", text="Read the colours of the infrared as auto, luma, ironbow, jet, inferno, ..."),
    ],
    "pair_by": Annotated[
        str | None,
        _option(
            "--pair-by",
            text=f'Pair pictures by names such as "A_{{}},B_{{}}", visible first, or a layout: {", ".join(PRESETS)}.',
        ),
    ],
    "starts": Annotated[
        Starts | None,
        _option("--starts", text="Begin two videos together, or as stamped; auto: together if far apart."),
    ],
}


def reads_pictures(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command these options; it gets them as one argument, `reading`, which it names last.

    A command that has an option `--contrast` of its own gets this one as `--infrared-contrast`.
    """
    signature = inspect.signature(command, eval_str=True)
    own = [parameter for name, parameter in signature.parameters.items() if name != "reading"]
    taken = "contrast" in signature.parameters
    names = {name: "infrared_contrast" if taken and name == "contrast" else name for name in _OPTIONS}
    options = {**_OPTIONS, "contrast": _contrast("--infrared-contrast")} if taken else _OPTIONS
    added = [
        inspect.Parameter(names[name], inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        for name, annotation in options.items()
    ]

    def with_reading(*arguments: Any, **named: Any) -> None:
        said = {name: named.pop(names[name], None) for name in _OPTIONS}
        command(*arguments, **named, reading=_reading(said))

    with_reading.__name__, with_reading.__doc__ = command.__name__, command.__doc__
    with_reading.__module__ = command.__module__
    with_reading.__signature__ = signature.replace(parameters=[*own, *added])  # type: ignore[attr-defined]
    with_reading.__annotations__ = {parameter.name: parameter.annotation for parameter in (*own, *added)}
    return with_reading


def _reading(said: dict[str, Any]) -> Reading:
    percentiles = None if said["agc_percentiles"] is None else _numbers("--agc-percentiles", said["agc_percentiles"])
    if percentiles is not None and len(percentiles) != 2:
        raise _unfit("--agc-percentiles", "two numbers, such as 0.5,99.5", said["agc_percentiles"])
    no_data = None if said["no_data"] is None else _numbers("--no-data", said["no_data"])
    reading = Reading(**{**said, "agc_percentiles": percentiles, "no_data": no_data})
    reading.thermal()  # refuses what does not fit before anything is opened
    return reading


def _numbers(option: str, text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise _unfit(option, "numbers with commas between them", text) from None


def _unfit(option: str, wanted: str, got: str) -> CoconetError:
    return CoconetError(
        option, wanted=wanted, got=repr(got), remedy="Correct it.", says=f"must be {wanted}, not {got!r}"
    )
