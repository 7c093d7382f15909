"""The isotherm: what lies above, below or between temperatures in colours of their own, all else in gray."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coconet.media.pixels import Pixels, as_bgr
from coconet.runtime.badge import add_badge
from coconet.runtime.frame import FramePair
from coconet.runtime.heat.heat_map import HeatMap, Mask
from coconet.runtime.heat.temperature import in_celsius
from coconet.runtime.look import IsothermLook
from coconet.runtime.views.scene import Scene, ViewKind, bgr_of

_WARMEST_PERCENT = 90.0  # is shown if no limit is given

_HALF = 128  # of 255: a pixel that lies between two belongs to the nearer one


def _draw(scene: Scene) -> Pixels:
    look, pair = scene.look.isotherm, scene.frame.pair
    picture: Pixels = as_bgr(scene.infrared).copy()
    values = _values(pair, look)
    if isinstance(values, str):
        return add_badge(picture, f"no isotherm: {values}")
    for colour, mask in _masks(values, look):
        picture[values.lay(mask)] = bgr_of(colour)
    return picture


@dataclass(frozen=True)
class _Values:
    """What limits are held against, and how a mask of it is laid onto the picture that is shown.

    above, below: the pixels on one side of a limit, that of the limit itself included.
    """

    above: Callable[[float], Mask]
    below: Callable[[float], Mask]
    lay: Callable[[Mask], Mask]


def _masks(values: _Values, look: IsothermLook) -> Iterator[tuple[str, Mask]]:
    """Colours and pixels, the last one on top."""
    above = look.above
    if above is None and look.below is None and look.between is None:
        above = _WARMEST_PERCENT
    if look.between is not None:
        yield look.between_colour, values.above(look.between[0]) & values.below(look.between[1])
    if look.below is not None:
        yield look.below_colour, values.below(look.below)
    if above is not None:
        yield look.above_colour, values.above(above)


def _values(pair: FramePair, look: IsothermLook) -> _Values | str:
    """What is compared, by the unit; in words why there is nothing to compare."""
    heat, raw = pair.heat, pair.raw_infrared
    has_counts = raw is not None and raw.pixels.dtype != np.uint8
    unit = look.unit
    if unit == "auto":
        limited = look.above is not None or look.below is not None or look.between is not None
        unit = "percent" if not limited else "degrees" if heat is not None else "counts" if has_counts else "percent"
    if unit == "percent":
        levels = pair.laid_infrared[:, :, 0].astype(np.float32) * np.float32(100 / 255)
        return _Values(lambda limit: levels >= limit, lambda limit: levels <= limit, lambda mask: mask)
    placing = pair.placing
    if unit == "counts":
        if raw is None or not has_counts or placing is None:
            return "the camera gives no counts, but pictures of 8 bits"
        counts = raw.pixels[:, :, 0]
        return _Values(lambda limit: counts >= limit, lambda limit: counts <= limit, lambda mask: _laid(mask, pair))
    if heat is None:
        return "the rig file says no [infrared.temperature]"
    if heat.map is None or placing is None:
        return heat.blind or "there are no temperatures now"
    found, of = heat.map, heat.unit
    return _Values(
        lambda limit: _hotter(found, in_celsius(limit, of)),
        lambda limit: _colder(found, in_celsius(limit, of)),
        lambda mask: _laid(mask, pair),
    )


def _hotter(heat: HeatMap, limit_c: float) -> Mask:
    """What is not below a limit; what is hotter than the camera can tell counts if that is certain."""
    mask: Mask = heat.celsius >= limit_c
    certain = heat.over is not None and heat.hottest_c is not None and heat.hottest_c >= limit_c
    return mask | heat.over if certain and heat.over is not None else mask


def _colder(heat: HeatMap, limit_c: float) -> Mask:
    mask: Mask = heat.celsius <= limit_c
    certain = heat.under is not None and heat.coldest_c is not None and heat.coldest_c <= limit_c
    return mask | heat.under if certain and heat.under is not None else mask


def _laid(mask: Mask, pair: FramePair) -> NDArray[np.bool_]:
    """A mask of the infrared camera's own pixels, laid as its picture is."""
    height, width = pair.visible.pixels.shape[:2]
    if pair.placing is None:
        return np.zeros((height, width), np.bool_)
    shares = pair.placing.lay(mask[:, :, None].astype(np.uint8) * np.uint8(255), (width, height))
    laid: NDArray[np.bool_] = shares[:, :, 0] >= _HALF
    return laid


ISOTHERM = ViewKind("Isotherm", _draw, ("isotherm",), frozenset({"infrared"}))
